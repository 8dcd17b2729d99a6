"""`tloi reprice` says what it changed, model by model, and what it did not."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from telemetry import facade
from telemetry.contracts import Call
from telemetry.ledger import overrides
from telemetry.models import PriceOverride, Project

NOON = datetime(2025, 10, 24, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def three_calls(project: Project) -> None:
    """Two calls of a model without a price, one late on the 24th of Madrid; and one of a model with a price."""
    overrides.forget()
    fields: list[dict[str, Any]] = [
        {"id": "a", "model": "[bold]house"},
        {"id": "b", "model": "[bold]house", "started_at": datetime(2025, 10, 24, 21, 59, tzinfo=UTC)},
        {"id": "c", "model": "gpt-5", "provider": "openai"},
    ]
    calls = [Call(**{"started_at": NOON, "output": 1_000_000, **each}) for each in fields]
    facade.record(project_id=project.pk, calls=calls, source="test", now=datetime.now(UTC))


def said(project: Project, *words: str) -> str:
    out = io.StringIO()
    call_command("reprice", "--from", "2025-10-24", "--to", "2025-10-24", "--project", project.slug, *words, stdout=out)
    return out.getvalue()


def price(project: Project) -> None:
    PriceOverride.objects.create(
        project=project, model="[bold]house", input_usd=Decimal(0), output_usd=Decimal("1.234567")
    )


def test_where_nothing_changes_it_says_so(project: Project) -> None:
    title = f"Project {project.slug}, 2025-10-24 to 2025-10-24"
    assert said(project) == f"{title}: 3 calls looked at, nothing changed.\n"


def test_each_model_is_a_row_with_both_sums_and_their_difference(project: Project) -> None:
    price(project)
    table = said(project)
    assert table.splitlines()[4].split() == ["[bold]house", "2", "unpriced", "$2.469134", "+$2.469134"]
    assert "3 calls looked at, the cost of 2 changed." in table
    assert "gpt-5" not in table
    assert "nothing changed" in said(project)


def test_a_dry_run_says_what_would_change_and_changes_nothing(project: Project) -> None:
    price(project)
    told = said(project, "--dry-run")
    assert "the cost of 2 would change" in told
    assert said(project, "--dry-run") == told


def test_a_price_that_is_taken_away_leaves_no_price(project: Project) -> None:
    price(project)
    said(project)
    PriceOverride.objects.filter(project=project).delete()
    assert said(project).splitlines()[4].split() == ["[bold]house", "2", "$2.469134", "unpriced", "-$2.469134"]


def test_days_are_those_of_the_project(project: Project) -> None:
    price(project)
    Project.objects.filter(pk=project.pk).update(time_zone="Asia/Kolkata")
    assert "2 calls looked at, the cost of 1 changed" in said(project)


def test_one_model_can_be_named(project: Project) -> None:
    price(project)
    assert "1 call looked at, nothing changed" in said(project, "--model", "gpt-*")


def test_a_project_or_a_date_that_is_none_is_a_sentence(project: Project) -> None:
    with pytest.raises(CommandError, match=r"There is no project 'no-such-place'\."):
        call_command("reprice", "--from", "2025-10-24", "--to", "2025-10-24", "--project", "no-such-place")
    with pytest.raises(CommandError, match="'soon' is not a date"):
        call_command("reprice", "--from", "soon", "--to", "2025-10-24", "--project", project.slug)
    with pytest.raises(CommandError, match=r"ends .* before it begins"):
        call_command("reprice", "--from", "2025-10-25", "--to", "2025-10-24", "--project", project.slug)
