"""Figures are dictionaries that plotly.py accepts, in colours that stay, with nothing of the data read as HTML."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import plotly.graph_objects as go
import pytest

from telemetry.contracts import UsageRow
from telemetry.dashboards import charts, colours, stack
from telemetry.dashboards.pagestate import Metric
from telemetry.dashboards.stack import MAX_SERIES, OTHER, Stack
from telemetry.series.queries import SeriesPoint
from telemetry.series.window import Window, by_days, by_preset

NOW = datetime(2026, 11, 20, 14, 3, tzinfo=UTC)
WEEK = by_preset("7d", zone="Europe/Madrid", now=NOW)


def point(window: Window, bucket: int, model: str, tokens: int = 1000, cost: int = 2_000_000_000) -> SeriesPoint:
    usage = UsageRow(key=model, calls=1, input_uncached=tokens - 10, output=10, cost_nanousd=cost)
    return SeriesPoint(window.edges()[bucket], usage)


def piled(points: list[SeriesPoint], window: Window = WEEK, metric: Metric = "tokens", now: datetime = NOW) -> Stack:
    return stack.pile(points, window=window, metric=metric, now=now, settled={})


def figure(points: list[SeriesPoint], window: Window = WEEK, metric: Metric = "tokens") -> dict[str, Any]:
    return charts.stacked_bars(piled(points, window, metric))


@pytest.mark.parametrize("metric", ["tokens", "cost"])
@pytest.mark.parametrize("preset", ["today", "24h", "7d", "90d", "lm", "ytd"])
def test_every_figure_is_one_that_plotly_knows(preset: str, metric: Metric) -> None:
    window = by_preset(preset, zone="America/St_Johns", now=NOW)
    points = [point(window, bucket, f"m{n}") for bucket in range(len(window.edges())) for n in range(12)]
    go.Figure(figure(points, window, metric))


def test_a_figure_of_nothing_is_one_that_plotly_knows() -> None:
    go.Figure(figure([]))


def test_a_misspelt_property_would_be_noticed() -> None:
    wrong = figure([point(WEEK, 0, "a")])
    wrong["layout"]["barmodes"] = "stack"
    with pytest.raises(ValueError, match="barmodes"):
        go.Figure(wrong)


def test_a_figure_can_be_written_as_json() -> None:
    assert json.loads(json.dumps(figure([point(WEEK, 0, "a")], metric="cost")))["data"][0]["y"][0] == 2.0


def test_bars_of_a_bucket_add_up_to_all_that_was_read_when_models_are_hidden() -> None:
    points = [point(WEEK, bucket, f"m{n}", tokens=100 + 7 * n + bucket) for bucket in range(7) for n in range(20)]
    pile = piled(points)
    assert [layer.name for layer in pile.layers][-1] == OTHER
    assert len(pile.layers) == MAX_SERIES + 1
    for bucket, edge in enumerate(WEEK.edges()):
        assert pile.totals[bucket] == sum(each.usage.tokens for each in points if each.at == edge)


def test_other_holds_exactly_the_models_that_have_no_bar() -> None:
    points = [point(WEEK, 0, f"m{n}", tokens=1000 - n, cost=0) for n in range(10)]
    other = piled(points).layers[-1]
    assert other.values[0] == (1000 - 8) + (1000 - 9)
    assert other.slot == colours.OTHER_SLOT


def test_eight_models_need_no_other() -> None:
    pile = piled([point(WEEK, 0, f"m{n}") for n in range(MAX_SERIES)])
    assert OTHER not in [layer.name for layer in pile.layers]


def test_a_model_that_is_called_other_keeps_its_own_bar() -> None:
    points = [point(WEEK, 0, OTHER, tokens=10**6), *(point(WEEK, 0, f"m{n}", tokens=500) for n in range(9))]
    values = [layer.values[0] for layer in piled(points).layers if layer.name == OTHER]
    assert values == [10**6, 1000]


def test_a_cost_chart_leaves_out_what_has_no_price_and_says_so() -> None:
    free = SeriesPoint(WEEK.start, UsageRow(key="house", calls=3, output=10, unpriced_calls=3))
    pile = piled([point(WEEK, 0, "paid"), free], metric="cost")
    assert [layer.name for layer in pile.layers] == ["paid"]
    assert "3 calls whose price is not known" in stack.summary(pile, before=None, unpriced_calls=3)


def test_only_the_bucket_that_runs_is_hatched_and_called_so_far() -> None:
    drawn = figure([point(WEEK, bucket, "a") for bucket in range(7)])
    assert drawn["data"][0]["marker"]["pattern"]["shape"] == ["", "", "", "", "", "", "/"]
    assert [note["text"] for note in drawn["layout"]["annotations"]] == ["so far"]
    assert drawn["layout"]["annotations"][0]["x"] == "Fri 20 Nov 2026"


def test_a_range_that_is_over_has_no_hatched_bar() -> None:
    over = by_days(NOW.date() - timedelta(days=9), NOW.date() - timedelta(days=3), zone="UTC")
    drawn = figure([point(over, 6, "a")], over)
    assert "pattern" not in drawn["data"][0]["marker"]
    assert drawn["layout"]["annotations"] == []


def test_the_hatched_bar_is_found_inside_a_range_that_ends_in_the_future() -> None:
    around = by_days(NOW.date() - timedelta(days=1), NOW.date() + timedelta(days=3), zone="UTC")
    assert piled([point(around, 1, "a")], around).runs == 1


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<b>bold</b>", "&lt;b&gt;bold&lt;/b&gt;"),
        ("a & b", "a &amp; b"),
        ("&lt;", "&amp;lt;"),
        ("%{y}", "%&#123;y}"),
        ('<a href="https://127.0.0.1/">x</a>', "&lt;a href=&quot;"),
    ],
)
def test_a_name_from_the_data_is_no_html_and_no_template(name: str, shown: str) -> None:
    written = figure([point(WEEK, 0, name)])["data"][0]["name"].replace('"', "&quot;")
    assert written.startswith(shown)
    assert "<" not in written


def test_a_very_long_name_is_cut() -> None:
    assert len(charts.escape("m" * 200)) == charts.MAX_NAME


def test_an_hour_that_the_clocks_repeat_makes_two_bars() -> None:
    autumn = by_preset("24h", zone="Europe/Madrid", now=datetime(2026, 10, 25, 12, 0, tzinfo=UTC))
    labels = piled([], autumn).labels
    assert len(set(labels)) == len(labels)
    assert [label for label in labels if "02:00" in label] == [
        "Sun 25 Oct 2026, 02:00 CEST",
        "Sun 25 Oct 2026, 02:00 CET",
    ]


def test_an_axis_has_few_labels_and_always_the_newest() -> None:
    window = by_preset("90d", zone="UTC", now=NOW)
    axis = figure([point(window, 0, "a")], window)["layout"]["xaxis"]
    assert len(axis["tickvals"]) <= charts.MAX_TICKS
    assert axis["tickvals"][-1] == "Fri 20 Nov 2026"
    assert axis["ticktext"][-1] == "20 Nov"


def test_the_summary_says_total_change_peak_and_leaders() -> None:
    points = [point(WEEK, 0, "big", tokens=3000), point(WEEK, 2, "big", tokens=5000), point(WEEK, 2, "small", 2000)]
    words = stack.summary(piled(points), before=8000)
    assert words == (
        "10.0K tokens, 14 – 20 Nov 2026; +25% against the period before; "
        "highest Mon 16 Nov 2026 with 7,000 tokens; big 80.0%, small 20.0%."
    )


def test_the_summary_of_weeks_stays_one_sentence() -> None:
    year = by_preset("ytd", zone="UTC", now=NOW)
    assert year.bucket == "1w"
    assert "; highest week of " in stack.summary(piled([point(year, 3, "a", tokens=7)], year), before=None)
