"""What is seen of an answer, and how likely it is good."""

from __future__ import annotations

from json import dumps
from random import Random
from time import process_time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.contracts import Features, ToolCall, Verdict
from routing.ladder import checks, quality
from routing.ladder.arithmetic import sums
from routing.ladder.quality import ENOUGH, Asked, Calibration, agree, calibrated, judge
from routing.ladder.schemas import breach
from routing.ladder.signals import NAMES, signals
from routing.wire.prompts import Tool

PERSON = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
READ = Tool("read_file", {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]})
FREE = Features(protocol="openai.chat", model="auto")
FREELY = Asked()


def verdict(text: str = "", *, asked: Asked = FREELY, features: Features = FREE, **given: Any) -> Verdict:
    return judge(features, asked, text=text, **given)


def call(name: str, **arguments: object) -> ToolCall:
    return ToolCall(id="c1", name=name, arguments=dumps(arguments))


@pytest.mark.parametrize(
    ("found", "name"),
    [
        (verdict("It goes on and", finish_reason="length"), "cut"),
        (verdict("  \n"), "empty"),
        (verdict("I'm sorry, but I can't help with that."), "refusal"),
        (verdict("I cannot assist with this request."), "refusal"),
        (verdict("age: 3", asked=Asked(schema={})), "invalid_json"),
        (verdict("[1]", asked=Asked(schema={})), "invalid_json"),
        (verdict('{"age": "three"}', asked=Asked(schema=PERSON)), "schema"),
        (verdict(tool_calls=[call("rm")], asked=Asked(tools=[READ])), "unknown_tool"),
        (verdict(tool_calls=[call("read_file", file="a")], asked=Asked(tools=[READ])), "tool_arguments"),
        (
            verdict(tool_calls=[ToolCall(id="c", name="read_file", arguments="{")], asked=Asked(tools=[READ])),
            "tool_arguments",
        ),
        (verdict("and then the cat sat on the mat again " * 30), "loop"),
    ],
)
def test_an_answer_of_no_use_is_found_by_name_and_is_hardly_good(found: Verdict, name: str) -> None:
    assert found.findings == (name,)
    assert not found.passed
    assert found.p_good < 0.05


@pytest.mark.parametrize(
    "found",
    [
        verdict("It is done."),
        verdict(
            "It goes on and", finish_reason="length", features=Features(protocol="openai.chat", model="", max_output=5)
        ),
        verdict("Sorry that it took so long: the file is written, and I can help with the next one too."),
        verdict('{"age": 3}', asked=Asked(schema=PERSON)),
        verdict('```json\n{"age": 3}\n```', asked=Asked(schema=PERSON)),
        verdict(tool_calls=[call("read_file", path="src/a.py")], asked=Asked(tools=[READ], prompt=["see src/a.py"])),
        verdict("| a | b |\n" * 3 + "and " * 5),
    ],
)
def test_the_nearest_answer_that_is_of_use_passes(found: Verdict) -> None:
    assert found.findings == ()
    assert found.passed


@pytest.mark.parametrize("piece", ["a/", "/a.b", "1+", "1+1=2 ", "1,111", "a.", "I'm ", "((", "a-1", "00000000-"])
def test_no_text_however_it_repeats_takes_long_to_judge(piece: str) -> None:
    text = piece * (40_000 // len(piece))
    began = process_time()
    verdict(text, asked=Asked(question=text, prompt=[text], tools=[READ]))
    verdict(asked=Asked(tools=[READ]), tool_calls=[ToolCall(id="c", name="read_file", arguments=text)])
    assert process_time() - began < 1


def test_an_identifier_that_stands_nowhere_in_the_prompt_and_a_false_sum_make_an_answer_less_likely() -> None:
    tools = [READ]
    invented = verdict(
        tool_calls=[call("read_file", path="src/b.py")], asked=Asked(tools=tools, prompt=["see src/a.py"])
    )
    wrong = verdict("So it is 12 x 3 = 37.")
    for found, name in ((invented, "unknown_identifier"), (wrong, "false_sum")):
        assert found.findings == (name,)
        assert found.passed
        assert found.p_good < verdict("So it is 12 x 3 = 36.").p_good


@pytest.mark.parametrize(
    ("text", "truths"),
    [
        ("<<12*3=36>>36", [True]),
        ("He pays 6 x $5.50 = $33, not 6 × 5 = 31", [True, False]),
        ("140/3 = 46.67, or 46.7, or about 140/3 = 47", [True, True]),
        ("10/40 = 25% and 20% * 50 = 10", [True, True]),
        ("200 * 1,000 = 200,000", [True]),
        ("(38 - 2) * 110% = 36 * 1.1 = 39.6", [True]),
        ("- 5 + 3 = 8\n1. 4 + 4 = 8", [True, True]),
        ("3x = 86, x = 4, a = b, 5 = 5, 2024-01 = n", []),
        ("1/0 = 1 and ((((3 = 4", []),
    ],
)
def test_sums_are_done_again_as_they_are_written(text: str, truths: list[bool]) -> None:
    assert [each.is_true for each in sums(text)] == truths


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet="0123456789+-*/(). =,%$x\n", max_size=200))
def test_no_text_makes_doing_sums_fail(text: str) -> None:
    sums(text)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    question=st.text(max_size=100),
    answer=st.text(max_size=200),
    arguments=st.text(max_size=50),
    schema=st.none() | st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3),
)
def test_whatever_a_model_writes_there_is_a_verdict(
    question: str, answer: str, arguments: str, schema: dict[str, Any] | None
) -> None:
    asked = Asked(question=question, prompt=[question], schema=schema, tools=[READ])
    calls = [ToolCall(id="c", name="read_file", arguments=arguments)]
    found = judge(FREE, asked, text=answer, tool_calls=calls, agreement=agree(answer, question))
    assert 0 <= found.p_good <= 1
    assert len(found.signals) == len(NAMES)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"pattern": "(a+)+$"},
        {"type": 7},
        {"uniqueItems": True},
        {"$ref": "#"},
        {"$defs": {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}, "$ref": "#/$defs/d0"},
    ],
)
def test_a_hostile_schema_fetches_nothing_ends_soon_and_blames_no_answer(schema: dict[str, Any]) -> None:
    assert breach("a" * 40 + "!", schema) == ""


def test_a_breach_says_where_and_how() -> None:
    assert breach({"age": "x"}, PERSON) == "$.age: type"
    assert breach({"age": 3}, {"$ref": "#/$defs/p", "$defs": {"p": PERSON}}) == ""
    assert breach({}, {"$ref": "#/$defs/p", "$defs": {"p": PERSON}}) == "$: required"


def test_a_calibration_learns_which_signs_are_bad_ones_and_says_how_often_it_is_right() -> None:
    """Of answers with a false sum one in five is good, of the others four; the gate is told neither."""
    draw = Random(3)
    rows, truths = [], []
    for n in range(600):
        answer = f"It is 12 + {n} = {12 + n + (n % 3 == 0)}."
        rows.append(signals("How much?", answer, sums(answer)))
        truths.append(draw.random() < (0.2 if n % 3 == 0 else 0.8))
    fit = calibrated(rows, truths)
    assert fit is not None
    learned = Calibration(good={("sums", 1): fit})
    key = ("sums", 1)
    good, bad = (verdict(text, key=key, calibration=learned) for text in ("It is 12 + 9 = 21.", "It is 12 + 9 = 22."))
    assert good.p_good == pytest.approx(0.8, abs=0.12)
    assert bad.p_good == pytest.approx(0.2, abs=0.12)
    assert verdict("", key=key, calibration=learned).p_good <= 0.05, "what is of no use stays so"


def test_too_few_outcomes_or_all_of_one_kind_make_no_calibration() -> None:
    rows = [tuple(float(n % 7) for _ in NAMES) for n in range(ENOUGH)]
    assert calibrated(rows[1:], [n % 2 == 0 for n in range(ENOUGH - 1)]) is None
    assert calibrated(rows, [True] * ENOUGH) is None
    assert calibrated([row[1:] for row in rows], [n % 2 == 0 for n in range(ENOUGH)]) is None, "other signals"
    assert calibrated(rows, [n % 2 == 0 for n in range(ENOUGH)]) is not None


def test_two_answers_agree_by_value_by_last_number_or_word_for_word() -> None:
    assert agree('{"a": 1, "b": 2}', '{"b": 2, "a": 1}') == 1
    assert agree("so 12 apples", "It comes to 12.") == 1
    assert agree("12", "13") == -1
    assert agree("Paris", " paris ") == 1
    assert agree("Paris", "Rome") == -1
    assert agree("a long text " * 20, "another long text " * 20) == 0


def test_the_names_of_checks_are_all_that_are_found() -> None:
    assert set(checks.CHECKS) >= checks.FATAL | set(quality._COSTS)
