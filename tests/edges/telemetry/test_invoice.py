"""The invoice check: who may enter what, what stands beside it, and that its CSV says the same."""

from __future__ import annotations

import html
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from msgspec.structs import replace

from telemetry.contracts import Call
from telemetry.dashboards import invoice_entry
from telemetry.ledger import invoices
from telemetry.models import InvoiceTotal, Project
from tests.page_reading import PageReader, rows_of_csv, store, visitor

pytestmark = pytest.mark.usefixtures("static_files")
COSTS = """\
usage_date_utc,model,workspace,token_type,cost_usd
2026-03-03,Claude Haiku 4.5,Default,output,2.00
2026-03-04,Claude Haiku 4.5,Default,output,1.50
2026-03-04,Claude Opus 4.5,Default,output,4.00
"""


def a_call(name: str, at: datetime, dollars: str, **fields: object) -> Call:
    """A call of Anthropic whose cost is known."""
    plain = Call(
        id=name,
        started_at=at,
        model="claude-haiku-4-5-20251001",
        provider="anthropic",
        output=1,
        cost_usd=Decimal(dollars),
        cost_kind="provider",
    )
    return replace(plain, **fields)


@pytest.fixture
def browser(project: Project) -> Client:
    """An owner's browser, on a project with calls around a midnight of UTC, and of Kolkata."""
    third = datetime(2026, 3, 3, 23, 59, 59, tzinfo=UTC)
    store(
        project,
        [
            a_call("c1", third, "2.004"),
            a_call("c2", third + timedelta(seconds=1), "1.5"),
            a_call("c3", third + timedelta(days=3), "9"),
            a_call("c4", third, "7", provider="openrouter"),
        ],
    )
    return visitor(project)


def upload(browser: Client, text: str = COSTS, **fields: str) -> Any:
    """Send a file as the page's form does."""
    file = SimpleUploadedFile("costs.csv", text.encode(), "text/csv")
    return browser.post("/invoice/file/", {"file": file, **fields})


def page(browser: Client, address: str = "/invoice/") -> str:
    response = browser.get(address)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def table(browser: Client, name: str, address: str = "/invoice/?") -> list[list[str]]:
    """A table of the page as CSV."""
    return rows_of_csv(browser.get(f"{address}&format=csv&table={name}").content)


def test_a_file_stands_beside_our_calls_by_model_and_by_utc_day(browser: Client) -> None:
    assert upload(browser).status_code == 302
    assert table(browser, "models") == [
        ["model", "theirs_usd", "ours_usd", "drift_usd", "drift_percent", "calls", "unpriced_calls"],
        ["Claude Opus 4.5", "4", "0", "-4", "-100.00", "0", "0"],
        ["Claude Haiku 4.5", "3.5", "3.504", "0.004", "0.11", "2", "0"],
        ["Total", "7.5", "3.504", "-3.996", "-53.28", "2", "0"],
    ]
    assert [row[:4] for row in table(browser, "days")[1:]] == [
        ["2026-03-04", "5.5", "1.5", "-4"],
        ["2026-03-03", "2", "2.004", "0.004"],
        ["Total", "7.5", "3.504", "-3.996"],
    ]
    assert len(table(browser, "days-and-models")) == 1 + 3 + 1


def test_days_are_utc_whatever_the_zone_of_the_page(browser: Client) -> None:
    upload(browser)
    assert table(browser, "days", "/invoice/?tz=Asia/Kolkata") == table(browser, "days")
    assert "Days are days of UTC" in page(browser)


@pytest.mark.parametrize("name", ["invoices", "models", "days", "days-and-models"])
def test_the_csv_has_the_rows_of_the_page(browser: Client, name: str) -> None:
    upload(browser)
    shown = PageReader(browser.get("/invoice/").content.decode()).tables[f"panel-{name}"]
    assert len(shown) == len(table(browser, name)) >= 2


def test_the_list_sets_each_invoice_beside_its_own_period_and_provider(browser: Client) -> None:
    upload(browser)
    fields = {"provider": "openrouter", "from": "2026-03-01", "to": "2026-03-31", "amount": "$8.00"}
    assert browser.post("/invoice/total/", fields).status_code == 302
    assert [row[:7] for row in table(browser, "invoices")[1:]] == [
        ["2026-03-01/2026-03-31", "openrouter", "typed in", "8", "7", "-1", "-12.50"],
        ["2026-03-03/2026-03-04", "anthropic", "Anthropic cost export", "7.5", "3.504", "-3.996", "-53.28"],
    ]


def test_a_drift_that_rounding_explains_is_called_so(browser: Client) -> None:
    upload(browser)
    text = browser.get("/invoice/").content.decode()
    assert "+$0.0040</data> <small>rounding</small>" in text


def test_the_same_file_twice_is_one(browser: Client) -> None:
    upload(browser)
    upload(browser)
    assert len(table(browser, "invoices")) == 2
    assert table(browser, "models")[-1][1] == "7.5"


def test_after_a_total_is_typed_its_comparison_is_shown_and_can_be_corrected(browser: Client) -> None:
    fields = {"provider": "anthropic", "from": "2026-03-03", "to": "2026-03-04", "amount": "3.50"}
    answer = browser.post("/invoice/total/", fields)
    text = page(browser, answer.headers["Location"])
    assert 'value="3.5"' in text
    assert 'value="2026-03-03"' in text
    browser.post("/invoice/total/", fields | {"amount": "3.60"})
    assert [row[3] for row in table(browser, "invoices")[1:]] == ["3.6"]


def test_what_is_wrong_with_a_file_is_said_and_nothing_is_kept(browser: Client, project: Project) -> None:
    answer = upload(browser, 'date,slug,usage\n2026-03-03,m,"1,25"\n')
    assert answer.status_code == 400
    assert "Row 2: '1,25' has a comma" in html.unescape(answer.content.decode())
    assert not InvoiceTotal.objects.filter(project_id=project.pk).exists()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"amount": "1,25"}, "The amount: '1,25' has a comma"),
        ({"amount": ""}, "not an amount"),
        ({"from": "2026-03-32"}, "is not a date"),
        ({"to": ""}, "from which day to which"),
        ({"from": "2026-03-05"}, "before it begins"),
        ({"provider": " "}, "which provider"),
        ({"from": "2019-01-01"}, "begins in 2020"),
    ],
)
def test_what_is_wrong_with_a_total_is_said_and_what_was_typed_stays(
    browser: Client, project: Project, fields: dict[str, str], says: str
) -> None:
    typed = {"provider": "anthropic", "from": "2026-03-03", "to": "2026-03-04", "amount": "77.01"} | fields
    answer = browser.post("/invoice/total/", typed)
    text = html.unescape(answer.content.decode())
    assert answer.status_code == 400
    assert says in text
    assert "amount" in fields or 'value="77.01"' in text
    assert not InvoiceTotal.objects.filter(project_id=project.pk).exists()


def test_a_file_that_is_too_large_is_refused(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invoice_entry, "MAX_BYTES", 10)
    assert upload(browser).status_code == 400


def test_no_file_is_no_invoice(browser: Client) -> None:
    answer = browser.post("/invoice/file/", {"file": "not a file"})
    assert (answer.status_code, "Choose a file" in answer.content.decode()) == (400, True)


def test_a_file_is_compared_with_the_provider_that_the_person_names(browser: Client) -> None:
    upload(browser, provider="openrouter")
    assert table(browser, "models")[-1][:3] == ["Total", "7.5", "7"]


def test_a_provider_that_no_call_bears_is_pointed_out(browser: Client) -> None:
    upload(browser, provider="Anthropic Inc.")
    assert "No call of a provider named Anthropic Inc." in page(browser)


def test_a_viewer_sees_and_changes_nothing(browser: Client, project: Project) -> None:
    upload(browser)
    [entered] = invoices.invoices(project_id=project.pk)
    viewer = visitor(project, role="viewer")
    text = page(viewer)
    assert "Claude Opus 4.5" in text
    assert '<form method="post" action="/invoice/' not in text
    assert upload(viewer).status_code == 403
    assert viewer.post("/invoice/total/", {}).status_code == 403
    assert viewer.post("/invoice/remove/", {"check": str(entered.id)}).status_code == 403
    assert invoices.invoices(project_id=project.pk) == [entered]


def test_an_editor_enters_and_removes(project: Project) -> None:
    editor = visitor(project, role="editor")
    upload(editor)
    [entered] = invoices.invoices(project_id=project.pk)
    assert editor.post("/invoice/remove/", {"check": str(entered.id)}).status_code == 302
    assert invoices.invoices(project_id=project.pk) == []


@pytest.mark.parametrize("check", ["", "0", "99999999999999999999", "abc", "\N{ARABIC-INDIC DIGIT ONE}"])
def test_what_is_not_there_cannot_be_removed(browser: Client, check: str) -> None:
    assert browser.post("/invoice/remove/", {"check": check}).status_code == 404


@pytest.mark.parametrize(
    "address",
    ["/invoice/?check=12345678", "/invoice/?check=abc", "/invoice/?format=pdf", "/invoice/?format=csv&table=days"],
)
def test_an_address_that_cannot_be_shown_is_answered_by_a_sentence(browser: Client, address: str) -> None:
    assert browser.get(address).status_code == 400


def test_words_of_a_file_are_escaped_on_the_page_and_no_formula_in_a_csv(browser: Client) -> None:
    upload(browser, "date,model,cost\n2026-03-03,<img src=x>,1\n2026-03-03,=cmd(),1\n", provider="=p")
    text = browser.get("/invoice/").content.decode()
    assert "<img" not in text
    assert {row[0] for row in table(browser, "models")} >= {"'=cmd()"}
    assert table(browser, "invoices")[1][1] == "'=p"


def test_a_csv_is_named_after_project_table_provider_and_days(browser: Client, project: Project) -> None:
    upload(browser, provider='a "b"/c')
    answer = browser.get("/invoice/?format=csv&table=days")
    name = f"tloi_{project.slug}_invoice_days_a--b--c_2026-03-03_2026-03-04.csv"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'


def test_a_form_that_does_not_come_from_a_page_of_ours_does_nothing(project: Project) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = visitor(project).cookies
    assert upload(browser).status_code == 403
    assert invoices.invoices(project_id=project.pk) == []
