"""The Models page says how large and how long calls are, within the error that it states."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import ceil
from random import Random

import pytest
from django.test import Client

from telemetry.contracts import Call
from telemetry.dashboards.panels import percentiles
from telemetry.models import Project
from telemetry.series import histogram
from tests.page_reading import PageReader, rows_of_csv, store, visitor

AT = datetime(2025, 10, 24, tzinfo=UTC)
ADDRESS = "/models/?from=2025-10-24&to=2025-10-27&tz=UTC"
pytestmark = pytest.mark.usefixtures("static_files")
Figures = dict[str, str]


def calls(seed: int = 1, count: int = 300) -> list[Call]:
    """Calls of two models, of very different sizes, some of whose durations nobody knows."""
    dice = Random(seed)
    return [
        Call(
            id=f"{seed}-{number}",
            started_at=AT + timedelta(minutes=19 * number),
            model=("large", "small")[number % 2],
            input_uncached=int(dice.lognormvariate((9, 4)[number % 2], 1)),
            cache_read=dice.randrange(5),
            output=dice.randrange(400),
            duration_ms=None if number % 5 == 0 else int(dice.lognormvariate(8, 1)),
            session_id=f"s-{number % 3}",
        )
        for number in range(count)
    ]


def rows(browser: Client, address: str) -> dict[str, Figures]:
    header, *found = rows_of_csv(browser.get(f"{address}&format=csv&table=percentiles").content)
    return {row[0]: dict(zip(header, row, strict=True)) for row in found}


def exact(values: list[int], fraction: float) -> int:
    """The least value that at least that share of them does not exceed."""
    return sorted(values)[ceil(fraction * len(values)) - 1]


@pytest.mark.parametrize("filters", ["", "&session=s-1", "&source=test"])
def test_percentiles_are_within_the_stated_error_of_exact_ones(project: Project, filters: str) -> None:
    store(project, calls())
    sent = [call for call in calls() if not filters.startswith("&session") or call.session_id == "s-1"]
    found = rows(visitor(project), f"{ADDRESS}{filters}")
    assert found.keys() == {"large", "small", percentiles.ALL}
    for name, figures in found.items():
        own = [call for call in sent if call.model == name or name == percentiles.ALL]
        tokens = [call.input_uncached + call.cache_read + call.output for call in own]
        durations = [call.duration_ms for call in own if call.duration_ms is not None]
        assert (figures["calls"], figures["timed_calls"]) == (str(len(own)), str(len(durations)))
        for what, values in (("tokens", tokens), ("duration_ms", durations)):
            for fraction, percentile in ((0.5, "p50"), (0.95, "p95")):
                shown, true = int(figures[f"{what}_{percentile}"]), exact(values, fraction)
                assert abs(shown - true) <= histogram.ERROR * true + 1


def test_a_model_whose_durations_nobody_knows_has_none(project: Project) -> None:
    store(project, [Call(id="1", started_at=AT, model="m", output=3)])
    table = PageReader(visitor(project).get(ADDRESS).content.decode()).tables["panel-percentiles"]
    assert table[1] == ["m", "1", "3", "3", "0", "–", "–"]


def test_a_narrower_range_has_percentiles_of_its_own(project: Project) -> None:
    store(project, [Call(id=f"{n}", started_at=AT + timedelta(days=n), model="m", output=10**n) for n in range(3)])
    browser = visitor(project)
    one = rows(browser, "/models/?from=2025-10-24&to=2025-10-24&tz=Asia/Kolkata")["m"]
    assert (one["calls"], one["tokens_p95"]) == ("1", "1")
    assert rows(browser, ADDRESS)["m"]["tokens_p50"] == "10"
