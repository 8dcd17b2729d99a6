"""What a report recommends, chosen from what was found. Pure.

The first three are those of the product's source document: what is urgent, how much waste can be cut, and how much
context is sent for what comes out. The others name a cause that has a remedy of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from telemetry.observer.report.document import TARGET_RATIO, Recommendation, Summary, Usage


def recommendations(summary: Summary, spend: Usage) -> tuple[Recommendation, ...]:
    """Each at most once, the most pressing first; none where nothing was found."""
    return (*_first(summary), *_causes(summary), *_unpriced(spend))


def _first(summary: Summary) -> Iterator[Recommendation]:
    high = summary.anomalies_by_severity.get("high", 0)
    if high:
        what = "the high-severity anomaly" if high == 1 else f"the {high:,} high-severity anomalies"
        yield Recommendation(kind="high_severity", priority="urgent", text=f"Look at {what} first.")
    if summary.tokens_wasted_overlapping:
        once = summary.tokens_wasted
        both = f"{summary.tokens_wasted_overlapping:,} tokens over all anomalies"
        counted = f", {once:,} with each task counted once" if once != summary.tokens_wasted_overlapping else ""
        yield Recommendation(kind="reduce_waste", priority="high", text=f"Reduce waste: {both}{counted}.")
    if exceeds_target(summary):
        ratio = summary.average_io_ratio
        said = "input without any output" if ratio is None else f"{ratio:,.1f}:1"
        text = f"Optimize context: {said} on average, against a target below {TARGET_RATIO}:1."
        yield Recommendation(kind="optimize_context", priority="normal", text=text)


def exceeds_target(summary: Summary) -> bool:
    """Whether more than TARGET_RATIO tokens go in for one that comes out, before any rounding."""
    return summary.input_tokens > TARGET_RATIO * summary.output_tokens


def _causes(summary: Summary) -> Iterator[Recommendation]:
    found = summary.anomalies_by_type
    if count := found.get("duplicate_work", 0):
        runs = "1 run repeats" if count == 1 else f"{count:,} runs repeat"
        text = f"Stop repeating work: {runs} a task that had run shortly before; keep its result and use it again."
        yield Recommendation(kind="duplicate_work", priority="normal", text=text)
    if count := found.get("false_completion", 0):
        tasks = "1 task ended" if count == 1 else f"{count:,} tasks ended"
        text = f"Check what ends as done: {tasks} so with errors; let the agent check its result first."
        yield Recommendation(kind="false_completion", priority="normal", text=text)
    if count := found.get("inefficient_task", 0):
        tasks = "1 task took" if count == 1 else f"{count:,} tasks took"
        text = f"Batch tiny tasks: {tasks} seconds and many tokens; send several at once, or less with each."
        yield Recommendation(kind="inefficient_task", priority="normal", text=text)


def _unpriced(spend: Usage) -> Iterator[Recommendation]:
    if count := spend.unpriced_calls:
        calls = "1 call is" if count == 1 else f"{count:,} calls are"
        text = f"Say what your models cost: {calls} of models without a price, and in no cost of this report."
        yield Recommendation(kind="unpriced_models", priority="normal", text=text)
