"""Overview and Models as people see them: charts, navigation, theme, keys, downloads, small screens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, expect

from telemetry.models import Project
from tests.browsing import Tab, log_in, new_tab
from tests.page_reading import PageReader, invented_calls, rows_of_csv, shown_as, store

pytestmark = pytest.mark.browser
DAYS = "from=2025-10-24&to=2025-10-27"
PLOTLY = "plotly.min"
MAX_PAGE_BYTES = 450_000


@pytest.fixture(autouse=True)
def calls(project: Project) -> None:
    """A few days of calls."""
    store(project, invented_calls())


@pytest.mark.parametrize(("path", "charts"), [("/", 1), ("/models/", 2)])
def test_a_page_draws_its_charts_and_does_nothing_that_it_must_not(tab: Tab, path: str, charts: int) -> None:
    tab.open(f"{path}?{DAYS}")
    assert tab.page.locator(".plot .bars .point path").count() >= charts * 8
    assert tab.page.get_by_text("Share chart").count() == 0
    assert tab.page.locator("[data-title*='Share']").count() == 0
    assert tab.asked(PLOTLY) == 1


def test_plotly_is_loaded_once_however_far_one_navigates(tab: Tab) -> None:
    tab.open(f"/?{DAYS}")
    tab.page.evaluate("window.stays = 'the same document'")
    for name in ("Models", "Overview", "Models"):
        tab.page.locator("#rail").get_by_role("link", name=name, exact=True).click()
        expect(tab.page.locator("h1")).to_have_text(name)
        tab.settle()
    assert tab.page.evaluate("window.stays") == "the same document"
    assert tab.asked(PLOTLY) == tab.page.locator(f"script[src*='{PLOTLY}']").count() == 1
    assert tab.page.url.endswith(f"/models/?{DAYS}")
    expect(tab.page).to_have_title(re.compile("^Models"))


def test_back_and_forward_show_what_was_there(tab: Tab) -> None:
    tab.open(f"/?{DAYS}")
    tab.page.locator("#rail").get_by_role("link", name="Models").click()
    expect(tab.page.locator("h1")).to_have_text("Models")
    tab.page.go_back()
    expect(tab.page.locator("h1")).to_have_text("Overview")
    tab.settle()
    assert tab.page.locator(".plot").count() == 1
    tab.page.go_forward()
    expect(tab.page.locator("h1")).to_have_text("Models")
    tab.settle()
    assert tab.page.locator(".plot[data-drawn]").count() == 2
    assert tab.asked(PLOTLY) == 1


def test_a_theme_is_seen_at_once_and_in_the_first_byte_of_the_next_page(tab: Tab) -> None:
    tab.open(f"/?{DAYS}")
    ink = "getComputedStyle(document.querySelector('.plot .xtick text')).fill"
    light = tab.page.evaluate(ink)
    tab.page.locator(".user summary").click()
    with tab.page.expect_response("**/settings/theme/"):
        tab.page.get_by_role("button", name="Dark").click()
    expect(tab.page.locator("html")).to_have_attribute("data-theme", "dark")
    tab.page.wait_for_timeout(500)
    assert tab.page.evaluate(ink) != light
    assert tab.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 20, 24)"
    assert 'data-theme="dark"' in tab.page.request.get(f"{tab.address}/").text()
    tab.page.emulate_media(media="print")
    assert tab.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(246, 247, 248)"


@pytest.mark.parametrize(
    ("path", "table"),
    [("/", "models-over-time"), ("/", "agents"), ("/", "sessions"), ("/models/", "models"), ("/models/", "days")],
)
def test_a_downloaded_csv_has_the_figures_on_the_screen(tab: Tab, tmp_path: Path, path: str, table: str) -> None:
    tab.open(f"{path}?{DAYS}&tz=America/St_Johns")
    with tab.page.expect_download() as download:
        tab.page.locator(f"#panel-{table}").get_by_role("link", name="CSV").click()
    assert table in download.value.suggested_filename
    download.value.save_as(tmp_path / "table.csv")
    sent = rows_of_csv((tmp_path / "table.csv").read_bytes())
    seen = PageReader(tab.page.content()).tables[f"panel-{table}"]
    assert [shown_as(cell) for cell in seen[-1]] == [shown_as(cell) for cell in sent[-1]]
    assert len(seen) == len(sent)


@pytest.mark.parametrize("width", [360, 390, 768, 1024])
@pytest.mark.parametrize("path", ["/", "/models/"])
def test_no_page_is_wider_than_its_screen(tab: Tab, path: str, width: int) -> None:
    tab.page.set_viewport_size({"width": width, "height": 800})
    tab.open(f"{path}?{DAYS}&agent=builder&task_type=fix&model=claude-opus-4-5")
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_overview_is_light_on_the_wire(chromium: Browser, web: str, project: Project) -> None:
    context = chromium.new_context()  # which has nothing of the page yet
    tab = new_tab(context, web)
    log_in(tab, project)
    sizes = {r.url: r.request.sizes()["responseBodySize"] for r in tab.responses}
    tab.responses.clear()
    tab.open("/?range=all&tz=Europe/Madrid")
    sizes |= {r.url: r.request.sizes()["responseBodySize"] for r in tab.responses}
    context.close()
    assert max(size for url, size in sizes.items() if PLOTLY in url) > 10**5
    assert sum(size for url, size in sizes.items() if PLOTLY not in url) <= MAX_PAGE_BYTES


def test_a_click_on_a_row_narrows_the_page_and_a_chip_widens_it(tab: Tab) -> None:
    tab.open(f"/?{DAYS}")
    calls = tab.page.locator("#card-calls data")
    everything = calls.inner_text()
    tab.page.locator("#panel-agents tbody tr").filter(has_text="builder").locator("td").first.click()
    expect(tab.page.get_by_role("link", name="agent: builder")).to_be_visible()
    assert calls.inner_text() != everything
    tab.page.get_by_role("link", name="agent: builder").click()
    expect(calls).to_have_text(everything)


def test_keys_change_the_range_and_the_comparison_and_clear_filters(tab: Tab) -> None:
    tab.open(f"/?{DAYS}&agent=builder")
    tab.page.keyboard.press("a")
    expect(tab.page).to_have_url(re.compile(r"range=all"))
    expect(tab.page.locator(".ranges [aria-current]")).to_have_text("All")
    tab.page.keyboard.press("Escape")
    expect(tab.page).not_to_have_url(re.compile("agent="))
    tab.page.keyboard.press("m")
    expect(tab.page).to_have_url(re.compile(r"range=mtd"))
    expect(tab.page.locator(".ranges [aria-current]")).to_have_text("Month")
    tab.page.keyboard.press("x")
    expect(tab.page).to_have_url(re.compile(r"cmp=off"))


def test_keys_that_are_typed_into_a_field_stay_there(tab: Tab) -> None:
    tab.open(f"/?{DAYS}")
    tab.page.locator(".zone summary").click()
    field = tab.page.locator("input[name=tz]")
    field.fill("")
    field.press_sequentially("adwt")
    expect(field).to_have_value("adwt")
    assert tab.page.url.endswith(DAYS)


def test_a_question_mark_lists_the_keys_and_escape_closes_the_list(tab: Tab) -> None:
    tab.open(f"/?{DAYS}&agent=builder")
    tab.page.keyboard.press("?")
    expect(tab.page.get_by_role("dialog")).to_be_visible()
    tab.page.keyboard.press("Escape")
    expect(tab.page.get_by_role("dialog")).to_be_hidden()
    assert "agent=builder" in tab.page.url


def test_dates_and_a_zone_are_set_by_hand(tab: Tab) -> None:
    tab.open(f"/?{DAYS}&agent=builder")
    tab.page.locator(".custom summary").click()
    tab.page.locator("input[type=date][name=from]").fill("2025-10-25")
    tab.page.locator("input[type=date][name=to]").fill("2025-10-26")
    tab.page.locator(".custom button").click()
    expect(tab.page.locator(".span")).to_contain_text("25 – 26 Oct 2025")
    tab.page.locator(".zone summary").click()
    tab.page.locator("input[name=tz]").fill("Asia/Kolkata")
    tab.page.locator(".zone button").click()
    expect(tab.page.locator(".zone summary")).to_contain_text("Asia/Kolkata UTC+5:30")
    assert "agent=builder" in tab.page.url


def test_a_name_from_the_data_is_drawn_as_it_is_written(tab: Tab, project: Project) -> None:
    name = "<b>50 %{y} & more</b>"
    store(project, [replace(call, model=name, id=f"b{call.id}", output=10**6) for call in invented_calls(4)])
    tab.open(f"/?{DAYS}")
    assert name in tab.page.locator(".plot .legendtext").all_text_contents()


def test_a_wrong_zone_is_explained_in_place(tab: Tab) -> None:
    tab.open(f"/?{DAYS}")
    tab.page.locator(".zone summary").click()
    tab.page.locator("input[name=tz]").fill("Mars/Base")
    tab.page.locator(".zone button").click()
    expect(tab.page.locator("#main h1")).to_have_text("This address cannot be shown")
    expect(tab.page.locator("#main")).to_contain_text("'Mars/Base' is not an IANA time zone")
    assert [said for said in tab.complaints if "400" not in said] == []
    tab.complaints.clear()


def test_every_link_works_without_javascript(chromium: Browser, web: str, project: Project) -> None:
    context = chromium.new_context(java_script_enabled=False)
    tab = new_tab(context, web)
    log_in(tab, project)
    tab.page.goto(f"{web}/?{DAYS}")
    tab.page.locator("#panel-agents").get_by_role("link", name="builder").click()
    expect(tab.page.get_by_role("link", name="agent: builder")).to_be_visible()
    tab.page.locator("#rail").get_by_role("link", name="Models").click()
    expect(tab.page.locator("h1")).to_have_text("Models")
    assert tab.page.url.endswith(f"/models/?{DAYS}&agent=builder")
    tab.page.locator(".user summary").click()
    tab.page.get_by_role("button", name="Dark").click()
    expect(tab.page.locator("html")).to_have_attribute("data-theme", "dark")
    assert tab.page.url.endswith(f"/models/?{DAYS}&agent=builder")
    context.close()


def test_the_lines_of_a_table_meet_where_a_column_stays(tab: Tab) -> None:
    """A row of broken pixels is rounded one way where it scrolls, another way where it stays."""
    tab.open(f"/models/?{DAYS}")
    rows = "[...document.querySelectorAll('tbody tr')].map((row) => row.getBoundingClientRect().height)"
    heights = tab.page.evaluate(rows)
    assert heights == [round(height) for height in heights] != []
