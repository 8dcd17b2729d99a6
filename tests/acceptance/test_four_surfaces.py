"""The page as it is seen, its CSV, the API and the command line say the same, day by day, in the project's zone."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from telemetry.access.projects import ensure_project
from telemetry.models import Project
from tests.browsing import Tab
from tests.conftest import ROOT, database_url
from tests.page_reading import PageReader, invented_calls, store

DATA = ROOT.parent / "shared" / "data"
TRANSCRIPTS = ("2026-01-01", "2026-02-28")
CLOCKS_GO_BACK = ("2025-10-24", "2025-10-27")
CLOCKS_GO_FORWARD = ("2026-03-27", "2026-03-30")
EVERYTHING = ("2025-10-20", "2026-04-01")
TABLE = "[...document.querySelectorAll('#panel-days tr')].map(row => [...row.cells].map(cell => cell.innerText))"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.shared_data,
    pytest.mark.slow,
]


@dataclass(frozen=True, slots=True)
class Figures:
    """What every surface says of a day or of the whole range. `cost_usd` is exact."""

    calls: int = 0
    input_uncached: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    cost_usd: Decimal = Decimal(0)
    unpriced_calls: int = 0

    def __add__(self, other: Figures) -> Figures:
        return Figures(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(Figures)))


@dataclass(frozen=True, slots=True)
class Said:
    """What one surface says: by local day, and in all."""

    days: dict[str, Figures]
    total: Figures


@pytest.fixture
def project(database: None) -> Project:
    """One project for all tests here; each sets its time zone."""
    return Project.objects.get(slug=imported())


@cache
def imported() -> str:
    """A project with the real transcripts, imported by the real command, and calls around two nights in Madrid in
    which the clocks change."""
    project = ensure_project(slug=f"p{uuid.uuid4().hex[:12]}")
    text = tloi("import", "claude-code", str(DATA / "claude_code"), "--project", project.slug)
    assert "925 calls (925 new, 0 known), 24 files, 0 unreadable lines, 0 quarantined" in text
    for first in (datetime(2025, 10, 24, 0, 10, tzinfo=UTC), datetime(2026, 3, 27, 0, 10, tzinfo=UTC)):
        store(project, invented_calls(190, first=first))
    return project.slug


def in_zone(project: Project, zone: str) -> None:
    """Let the project report in a zone."""
    Project.objects.filter(pk=project.pk).update(time_zone=zone)


def tloi(*words: str) -> str:
    """What the command prints, run as a process of its own on the test's database."""
    environment = {**os.environ, "DATABASE_URL": database_url()}
    command = [sys.executable, str(ROOT / "manage.py"), *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout


def exact(row: dict[str, Any]) -> Figures:
    """A row of the API or the command line."""
    written = sum(row[f"cache_write_{kind}"] for kind in ("5m", "1h", "unknown"))
    counts = {name: row[name] for name in ("calls", "input_uncached", "cache_read", "output", "unpriced_calls")}
    return Figures(**counts, cache_write=written, cost_usd=Decimal(row["cost_usd"]))


def from_api(address: str, key: str, first: str, last: str, by: str = "day") -> Said:
    """What `GET /api/v1/usage/` says."""
    request = urllib.request.Request(
        f"{address}/api/v1/usage/?by={by}&from={first}&to={last}", headers={"Authorization": f"Bearer {key}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        said = json.loads(answer.read())
    return Said({row[by]: exact(row) for row in said["rows"]}, exact(said["total"]))


def from_command_line(project: Project, first: str, last: str) -> Said:
    """What `tloi daily --json` says."""
    said = json.loads(tloi("daily", "--json", "--project", project.slug, "--since", first, "--until", last))
    return Said({day["date"]: exact(day) for day in said["days"]}, exact(said["total"]))


def by_day(rows: Iterable[tuple[str, Figures]]) -> dict[str, Figures]:
    """Rows by day and model as days."""
    days: dict[str, Figures] = {}
    for day, figures in rows:
        days[day] = days.get(day, Figures()) + figures
    return days


def from_csv(tab: Tab, folder: Path) -> Said:
    """What the CSV says that the page's own link downloads."""
    with tab.page.expect_download() as download:
        tab.page.locator("#panel-days").get_by_role("link", name="CSV", exact=True).click()
    download.value.save_as(folder / "days.csv")
    with (folder / "days.csv").open(newline="") as file:
        *rows, total = csv.DictReader(file)
    return Said(by_day((row["day"], of_csv(row)) for row in rows), of_csv(total))


def of_csv(row: dict[str, str]) -> Figures:
    """A row of a CSV; an empty cost says that no call of the row has a price."""
    counts = {field.name: int(row[field.name]) for field in fields(Figures) if field.name != "cost_usd"}
    return Figures(**counts, cost_usd=Decimal(row["cost_usd"] or 0))


def seen(tab: Tab) -> list[list[str]]:
    """The cells of the table by day and model as a person sees them, the total last."""
    rows: list[list[str]] = tab.page.evaluate(TABLE)
    return rows[1:]


def of_seen(cells: list[str]) -> Figures:
    """A row as it is seen; its cost is rounded, and left out."""
    calls, uncached, read, written, output, _, unpriced = (cell.replace(",", "") for cell in cells[2:9])
    return Figures(int(calls), int(uncached), int(read), int(written), int(output), unpriced_calls=int(unpriced))


def without_cost(figures: Figures) -> Figures:
    """The counts alone."""
    return replace(figures, cost_usd=Decimal(0))


def rounded(cost: Decimal) -> str:
    """Dollars and cents, as a page shows what costs a cent or more."""
    assert cost >= Decimal("0.01")
    return f"${cost.quantize(Decimal('0.01'), ROUND_HALF_UP):,}"


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("Asia/Kolkata", TRANSCRIPTS),
        ("America/St_Johns", TRANSCRIPTS),
        ("Europe/Madrid", CLOCKS_GO_BACK),
        ("Europe/Madrid", CLOCKS_GO_FORWARD),
        ("Europe/Madrid", EVERYTHING),
    ],
)
def test_all_surfaces_say_the_same_in_the_zone_of_the_project(
    tab: Tab, web: str, key: str, project: Project, tmp_path: Path, zone: str, days: tuple[str, str]
) -> None:
    in_zone(project, zone)
    api = from_api(web, key, *days)
    assert api.total.calls > 100
    assert sum(api.days.values(), Figures()) == api.total
    assert from_api(web, key, *days, by="model").total == api.total
    assert from_command_line(project, *days) == api
    tab.open(f"/models/?from={days[0]}&to={days[1]}")
    assert zone in tab.page.locator(".zone summary").inner_text()
    assert from_csv(tab, tmp_path) == api
    *rows, total = seen(tab)
    on_page = by_day((datetime.strptime(row[0], "%a %d %b %Y").date().isoformat(), of_seen(row)) for row in rows)  # noqa: DTZ007
    assert on_page == {day: without_cost(figures) for day, figures in api.days.items()}
    assert (of_seen(total), total[7]) == (without_cost(api.total), rounded(api.total.cost_usd))
    tab.open(f"/?from={days[0]}&to={days[1]}")
    cards = PageReader(tab.page.content()).cards
    assert (int(cards["calls"]), int(cards["output"])) == (api.total.calls, api.total.output)
    assert int(cards["input"]) == api.total.input_uncached + api.total.cache_read + api.total.cache_write
    assert Decimal(cards["cost"]) == api.total.cost_usd
    assert tab.page.locator("#card-cost data").inner_text() == rounded(api.total.cost_usd)


def test_the_zones_cut_the_same_calls_into_different_days(web: str, key: str, project: Project) -> None:
    said = {}
    for zone in ("UTC", "Asia/Kolkata", "America/St_Johns"):
        in_zone(project, zone)
        said[zone] = from_api(web, key, *TRANSCRIPTS)
    assert len({str(each.total) for each in said.values()}) == 1
    assert len({str(each.days) for each in said.values()}) == 3


def test_a_day_on_which_the_clocks_change_has_its_own_hours(web: str, key: str, project: Project) -> None:
    in_zone(project, "Europe/Madrid")
    back, forward = (from_api(web, key, *days).days for days in (CLOCKS_GO_BACK, CLOCKS_GO_FORWARD))
    assert (back["2025-10-25"].calls, back["2025-10-26"].calls) == (48, 50)
    assert (forward["2026-03-28"].calls, forward["2026-03-29"].calls) == (48, 46)


def test_in_utc_all_surfaces_say_what_was_checked_against_ccusage(
    tab: Tab, web: str, key: str, project: Project, tmp_path: Path
) -> None:
    in_zone(project, "UTC")
    expected = json.loads((DATA / "expected_totals.json").read_text())["claude_code"]
    api = from_api(web, key, *TRANSCRIPTS)
    written = sum(expected[f"cache_write_{kind}"] for kind in ("5m", "1h", "unknown"))
    counts = {name: expected[name] for name in ("input_uncached", "cache_read", "output")}
    assert api.total == Figures(
        expected["responses"], **counts, cache_write=written, cost_usd=Decimal("71.36458935"), unpriced_calls=0
    )
    assert from_command_line(project, *TRANSCRIPTS) == api
    tab.open(f"/models/?from={TRANSCRIPTS[0]}&to={TRANSCRIPTS[1]}")
    assert from_csv(tab, tmp_path) == api
    assert of_seen(seen(tab)[-1]) == without_cost(api.total)
    assert {date.fromisoformat(day).year for day in api.days} == {2026}
