"""What stands around the list of anomalies: the sums, the trend by type, and how each detector is set and does."""

from __future__ import annotations

from collections.abc import Mapping

from telemetry.dashboards import anomalytrend, charts, facets, findingrows, formats, twin, wasted
from telemetry.dashboards.panel import Chart, Panel
from telemetry.dashboards.panels.cards import Card
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import Cell, Column, Row, Table, count, text
from telemetry.observer import anomalies, rules, verdicts, waste
from telemetry.observer.anomalies import Count, Judged
from telemetry.observer.findings import Limits
from telemetry.observer.waste import WasteSums

FACETS = ("severity", "state", "detector")  # counted in one pass, so that each says what it would leave
NOTHING = Cell("–", "")
DETECTOR_COLUMNS = (
    Column("detector", "Detector", "text"),
    Column("threshold", "Flags", hint="Beyond which number a run is flagged"),
    Column("allowance", "No waste up to"),
    Column("floor_tokens", "From tokens", hint="Smaller runs are never flagged"),
    Column("lets_pass", "Lets pass", "text", hint="Task types that are not flagged"),
    Column("found", "Found here", hint="In this range, with these filters"),
    Column("tokens_wasted", "Wasted here", hint="By its own figures; a run that others flag too is in theirs as well"),
    Column("judged", "Judged", hint="By people, in all that was ever found"),
    Column("precision_percent", "Precision", hint="The share of what was judged that nobody called no waste"),
)


class AnomalyReader(Reader):
    """What the page reads, each question once: counts of the window, and sums of what was wasted."""

    @property
    def counts(self) -> list[Count]:
        """Every anomaly that the page's other filters leave, whatever its severity, state and type."""
        filters = {name: values for name, values in self.state.filters.items() if name not in FACETS}
        window = self.state.by_day().window
        return self._once(
            "counts",
            lambda: anomalies.anomaly_counts(self._conn, project_id=self.project.pk, window=window, filters=filters),
        )

    @property
    def shown(self) -> list[Count]:
        """Those of them that the page shows."""
        return facets.matching(self.counts, self.state.filters, FACETS)

    def waste_before(self) -> WasteSums | None:
        """What anomalies wasted in the period before; None where the page does not compare."""
        previous = self.state.previous
        return self._once("waste_before", lambda: self._waste(previous)) if previous else None

    @property
    def judged(self) -> dict[str, Judged]:
        """How people judged each detector so far."""
        return self._once("judged", lambda: anomalies.judged(self._conn, project_id=self.project.pk))


def sums_panel(reader: AnomalyReader) -> Panel:
    """The figures of the page."""
    return Panel("sums", "In figures", "telemetry/_cards.html", lambda _: _cards(reader))


def trend_panel(reader: AnomalyReader, titles: Mapping[str, str]) -> Panel:
    """Anomalies by type and day."""
    return Panel("trend", "Anomalies by type and day", "telemetry/_chart.html", lambda _: _trend(reader, titles))


def detectors_panel(reader: AnomalyReader, titles: Mapping[str, str]) -> Panel:
    """How each detector is set, and how often people found it right."""
    return Panel("detectors", "Detectors", "telemetry/_detectors.html", lambda _: _detectors(reader, titles))


def _cards(reader: AnomalyReader) -> tuple[Card, ...]:
    found, before = reader.waste(), reader.waste_before()
    high, medium = (found.by_severity.get(name, waste.Sum()).anomalies for name in ("high", "medium"))
    refused = f", {formats.whole(found.not_waste)} more judged not waste" if found.not_waste else ""
    runs = f"in {formats.whole(found.runs)} run{'' if found.runs == 1 else 's'}"
    part = wasted.part(found.tokens_once, reader.used(), measure=reader.project.token_measure)
    of_all = ", ".join(filter(None, (part, "each task once")))
    return (
        _card(
            "anomalies",
            "Anomalies",
            found.total.anomalies,
            f"{runs}{refused}",
            before.total.anomalies if before else None,
        ),
        Card(
            name="severity",
            title="High / medium",
            figure=f"{formats.compact(high)} / {formats.compact(medium)}",
            value=f"{high}/{medium}",
            exact=f"{formats.whole(high)} high, {formats.whole(medium)} medium",
            note="by severity",
            change=None,
            before="",
            line="",
        ),
        _card("wasted", "Tokens wasted", found.tokens_once, of_all, before.tokens_once if before else None),
        _card(
            "overlapping",
            "Sum over anomalies",
            found.total.tokens_wasted,
            "overlapping: a task with two counts twice",
            before.total.tokens_wasted if before else None,
        ),
    )


def _card(name: str, title: str, number: int, note: str, before: int | None) -> Card:
    return Card(
        name=name,
        title=title,
        figure=formats.compact(number),
        value=str(number),
        exact=formats.whole(number),
        note=note,
        change=formats.change(number, before) if before is not None else None,
        before=formats.whole(before) if before is not None else "",
        line="",
    )


def _trend(reader: AnomalyReader, titles: Mapping[str, str]) -> Chart | None:
    """Those that stand, unless the page is narrowed to others; None where there is nothing to draw."""
    state = reader.state.by_day()
    standing = [row for row in reader.shown if row.state != "not_waste" or "state" in state.filters]
    if not standing:
        return None
    pile = anomalytrend.pile(standing, window=state.window, titles=titles, now=state.now)
    return Chart(
        figure_id="figure-trend",
        figure=charts.stacked_bars(pile),
        summary=anomalytrend.summary(pile),
        table=twin.as_table(pile),
    )


def _detectors(reader: AnomalyReader, titles: Mapping[str, str]) -> Table:
    known = rules.rules_of(project_id=reader.project.pk)
    allowed = verdicts.allowed(project_id=reader.project.pk)
    rows = []
    for name, title in titles.items():
        found = reader.waste().by_detector.get(name, waste.Sum())
        rows.append(
            Row(
                (
                    text(name, shown=title, note="" if name in known.limits else "off"),
                    *_limits(name, known.limits.get(name)),
                    Cell(", ".join(allowed.get(name, ())) or "–", ", ".join(allowed.get(name, ())), words=True),
                    count(found.anomalies),
                    count(found.tokens_wasted),
                    *_precision(reader.judged.get(name, Judged())),
                )
            )
        )
    return Table(DETECTOR_COLUMNS, tuple(rows))


def _limits(detector: str, limits: Limits | None) -> tuple[Cell, Cell, Cell]:
    """Its numbers; none where it is off."""
    if limits is None:
        return NOTHING, NOTHING, NOTHING
    threshold, allowance = (
        Cell(f"{number:,.10g}{findingrows.unit(name, detector, number)}", f"{number:f}")
        for name, number in (("threshold", limits.threshold), ("allowance", limits.allowance))
    )
    return threshold, allowance if limits.allowance else NOTHING, count(limits.floor_tokens)


def _precision(judged: Judged) -> tuple[Cell, Cell]:
    """How many were judged, and of how many that is a share worth speaking of."""
    share = formats.percent(judged.right, judged.judged)
    if not judged.is_telling:
        return count(judged.judged), Cell("not enough judged yet", "")
    return count(judged.judged), Cell(f"{share}%", share)
