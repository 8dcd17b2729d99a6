"""A report's Markdown says all that its document says, and runs nothing of what agents wrote."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.observer.report.document import Group, Leaders, Usage, as_plain, from_plain
from telemetry.observer.report.lines import MOST_LETTERS, counted, dollars
from telemetry.observer.report.markdown import as_markdown, harmless
from tests.reports import document, item, leader, summary

HOSTILE = [
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "![x](http://evil.example/x.png)",
    "<img src=x onerror=alert(1)>",
    "a | b | c",
    "`code` ``more``",
    "**bold** __under__ ~~gone~~ $math$",
    "one\r\n\r\n# two\n- three\u2028four",
    "http://evil.example www.evil.example",
    "&lt;b&gt; &#60;",
    "\\| \\[x]",
    "=cmd()",
    "\u202eesrever\u202c \u2066iso\u2069",
]


def rendered(text: str) -> str:
    """What CommonMark shows of a line: escapes and entities undone."""
    bare = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)
    return bare.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def bare(text: str) -> str:
    """A line without what a backslash makes plain."""
    return re.sub(r"\\[!-/:-@\[-`{-~]", "", text)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_agents_wrote_does_nothing(text: str) -> None:
    shown = bare(harmless(text))
    assert not re.search(r"[<>`*\[\]|~$!\n\r\u2028\u202a-\u202e\u2066-\u2069]", shown)
    assert not re.search(r"(https?|javascript):|www\.", shown)
    assert not shown.startswith(("=", "+", "-", "@", "#"))


@given(st.text(max_size=MOST_LETTERS))
def test_what_agents_wrote_is_shown_as_they_wrote_it(text: str) -> None:
    line = harmless(text)
    assert "\n" not in line
    letters = [letter for letter in text if letter.isalnum()]
    assert [letter for letter in rendered(line) if letter.isalnum()] == letters


def test_usual_names_stay_legible() -> None:
    assert harmless("outline_queue_refactor-v2.1 at 10:30") == "outline_queue_refactor-v2.1 at 10:30"


def test_a_long_text_is_cut() -> None:
    assert len(harmless("x" * 4000)) == MOST_LETTERS


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_makes_no_row_column_or_heading_more(text: str) -> None:
    def shape(name: str) -> list[tuple[int, bool]]:
        groups = (Group(severity="high", anomalies=1, tokens_wasted_overlapping=1, listed=(item(task_id=name),)),)
        leaders = (Leaders(by="task_type", rows=(leader(name=name),)),)
        said = as_markdown(document(severities=groups, leaders=leaders))
        return [(len(re.findall(r"(?<!\\)\|", line)), line.startswith("#")) for line in said.splitlines()]

    assert shape(text) == shape("harmless")


def test_the_figures_stand_in_their_order() -> None:
    said = as_markdown(document())
    assert said.startswith("# Daily report: 6 November 2025\n")
    wanted = [
        "## Executive summary",
        "**Total tasks:** 1",
        "**Total tokens:** 20,000",
        "**Average tokens per task:** 20,000",
        "**Average input/output ratio:** 19.0:1",
        "**Anomalies detected:** 1 (0 high, 1 medium)",
        "**Estimated tokens wasted:** 10,000, each task once (50.0 % of all)",
        "10,000 (overlapping",
        "$0.13 for 2 calls of 20,000 tokens",
        "### High severity: 0",
        "### Medium severity: 1",
        "| task-1 | Expensive task | 20,000 tokens. | 10,000 | Split it. | run-1 |",
        "1. **High priority.** Reduce waste",
        "## Agents",
    ]
    places = [said.find(words) for words in wanted]
    assert -1 not in places
    assert places == sorted(places)


def test_what_is_not_listed_is_counted() -> None:
    group = Group(severity="medium", anomalies=1205, tokens_wasted_overlapping=50_000, listed=(item(),))
    assert "And 1,204 more, which waste 40,000 tokens, overlapping." in as_markdown(document(severities=(group,)))


def test_an_empty_day_says_so_and_still_is_a_report() -> None:
    said = as_markdown(document(summary=summary(), spend=Usage(), severities=(), leaders=()))
    assert "No task began in this day." in said
    assert "## Recommendations\n\nNone" in said


def test_calls_that_belong_to_no_task_stand_apart_or_are_said_to_have_expired() -> None:
    apart = Usage(calls=3, tokens=900, cost_usd="0.00", unpriced_calls=3)
    assert "in no average:** unpriced for 3 calls of 900 tokens" in as_markdown(document(apart=apart))
    assert "in no average:** none" in as_markdown(document(apart=Usage()))
    assert "have expired" in as_markdown(document(apart=None))


def test_a_measure_that_differs_from_tokens_is_explained() -> None:
    weighed = summary(tasks=1, tokens=100_000, input_tokens=19_000, output_tokens=1_000)
    assert "20,000 tokens in that measure" in as_markdown(document(summary=weighed))
    assert "in that measure" not in as_markdown(document())


def test_a_document_that_was_kept_is_the_same_document() -> None:
    whole = document(leaders=(Leaders(by="model", rows=(leader(),), others=leader(names=3)),))
    assert from_plain(as_plain(whole)) == whole


@pytest.mark.parametrize(
    ("number", "what", "words"),
    [(1, "day", "1 day"), (30, "day", "30 days"), (2, "anomaly", "2 anomalies"), (1_000, "call", "1,000 calls")],
)
def test_what_is_counted_is_spelled_in_its_number(number: int, what: str, words: str) -> None:
    assert counted(number, what) == words


@pytest.mark.parametrize(
    ("exact", "words"),
    [("10.1829161", "$10.18"), ("0.00", "$0.00"), ("0.000000007", "$0.000000007"), ("1234.5", "$1,234.50")],
)
def test_money_is_read_in_cents_and_never_as_nothing(exact: str, words: str) -> None:
    assert dollars(exact) == words
