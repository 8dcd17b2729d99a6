"""Files of objectives: what JSON and CSV say alike, and that each mistake is named with its place."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest

from telemetry.limits import objective_files
from telemetry.limits.objective_files import AttributionRow, BadFile, KeyResultRow, ObjectiveRow, ValueRow, WorkItemRow
from tests.okr_file import DOCUMENT

TABLE = """kind,key,title,priority,objective,start,target,key_result,day,value,parent,work_item,agent,to,weight
attribution,,,,,,,,,,,E-1,,O1-KR1,0.6
attribution,,,,,,,,,,,,builder,O1,
value,,,,,,,O1-KR1,2026-11-02,18,,,,,
work_item,T-1,,,,,,,,,E-1,,,,
key_result,O1-KR1,Days,,O1,20,10.5,,,,,,,,
objective,O1,Faster,high,,,,,,,,,,,
"""
RECORDS = [
    ObjectiveRow(key="O1", title="Faster", priority="high"),
    KeyResultRow(key="O1-KR1", objective="O1", title="Days", start=Decimal(20), target=Decimal("10.5")),
    ValueRow(key_result="O1-KR1", day=date(2026, 11, 2), value=Decimal(18)),
    WorkItemRow(key="T-1", parent="E-1"),
    AttributionRow(work_item="E-1", to="O1-KR1", weight=Decimal("0.6")),
    AttributionRow(agent="builder", to="O1"),
]


def records(content: str, name: str) -> list[object]:
    return [record for _, record in objective_files.read(content.encode(), file_name=name).records]


def test_json_and_csv_say_the_same_in_the_order_in_which_it_is_kept() -> None:
    assert records(json.dumps(DOCUMENT), "okr.json") == RECORDS
    assert records("\ufeff" + TABLE.replace("\n", "\r\n"), "okr.csv") == RECORDS


def problems(content: str, name: str = "okr.csv") -> str:
    with pytest.raises(BadFile) as caught:
        objective_files.read(content.encode(), file_name=name)
    return "\n".join(caught.value.problems)


def test_every_line_that_is_wrong_is_named_with_its_place() -> None:
    said = problems("kind,key,title,priority\nobjective,O1,,\nobjective,O2,Two,urgent\ngoal,O3,,\n")
    assert "line 2: Object missing required field `title`" in said
    assert "line 3: Invalid enum value 'urgent'" in said
    assert "line 4: kind is 'goal', but must be one of objective" in said


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        ("kind,colour\n", "a.csv", "line 1: 'colour' is no column"),
        ("key,title\nO1,One\n", "a.csv", "the column kind is missing"),
        ("kind,to,tag,agent\nattribution,O1,kr,builder\n", "a.csv", "line 2: Say one of run, tag or work_item"),
        ("kind,to,tag,weight\nattribution,O1,kr,1.5\n", "a.csv", "weight is 1.5, but must lie above 0"),
        ("kind,to,tag,weight\nattribution,O1,kr,NaN\n", "a.csv", "weight is NaN"),
        ("kind,key_result,day,value\nvalue,K,2026-11-02,Infinity\n", "a.csv", "is no number that can be kept"),
        ("kind,key_result,day,value\nvalue,K,yesterday,1\n", "a.csv", "line 2: Invalid RFC3339 encoded date"),
        ('kind,key\n"objective,O1\n', "a.csv", "line"),
        ("kind,key\nobjective,O1,x,y\n", "a.csv", "line 2: there are more cells than columns"),
        ("kind,key,title\nobjective,O1,a\0b\n", "a.csv", "NUL"),
        ("{", "a.json", "The file is no JSON"),
        ("[]", "a.json", "must be an object with objectives"),
        ('{"objectives": [1]}', "a.json", "objectives must be a list of objects"),
        (
            '{"objectives": [{"key": "O1", "title": "x", "colour": 1}]}',
            "a.json",
            "objectives[0]: Object contains",
        ),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_reason(content: str, name: str, says: str) -> None:
    assert says in problems(content, name)


def test_a_file_that_is_no_text_or_says_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadFile, match="not UTF-8"):
        objective_files.read(b"\xff\xfe", file_name="a.csv")
    monkeypatch.setattr(objective_files, "MOST_ROWS", 3)
    with pytest.raises(BadFile, match="more than 3 things"):
        objective_files.read(TABLE.encode(), file_name="a.csv")
