"""The page Routing: tiers beside their targets, why they were asked, what asking again bought, and what was saved."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client

from routing import roster
from routing.models import BreakerChange, CompressionDay, RecallDay, Tier
from telemetry.models import Project
from tests.ladders import ladder
from tests.page_reading import invented_calls, rows_of_csv, store, visitor
from tests.routed import ten_requests

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
FAILED = "failed when last asked: no answer"
DAYS = "from=2026-03-02&to=2026-03-02&tz=UTC"
pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture
def tiers(database: None) -> Iterator[list[Tier]]:
    with ladder("http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1", share_percent=50) as made:
        made[1].is_free, made[1].input_usd, made[1].output_usd = False, Decimal(1), Decimal(2)
        made[1].save()
        yield made


@pytest.fixture
def browser(project: Project, tiers: list[Tier]) -> Client:
    ten_requests(project, tiers, at=AT, why="<script>alert(1)</script>")
    BreakerChange.objects.create(tier_id=tiers[0].pk, at=AT, kind="no_answer")
    return visitor(project)


def table(browser: Client, name: str) -> list[dict[str, str]]:
    answer = browser.get(f"/routing/?{DAYS}&format=csv&table={name}")
    assert answer.status_code == 200
    head, *rows = rows_of_csv(answer.content)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_each_tier_stands_beside_its_target_with_its_failures_and_its_state(browser: Client) -> None:
    low, high = table(browser, "tiers")
    assert (low["tier"], low["target_percent"], low["share_percent"], low["answers"]) == ("tier-1", "50.0", "70.0", "9")
    assert (low["failed_percent"], low["refused_percent"], low["state"]) == ("10.0", "22.2", FAILED)
    assert (high["share_percent"], high["state"], high["cost_usd"]) == ("30.0", "well", "0.0036")
    assert int(high["duration_ms_p50"]) == pytest.approx(500, rel=0.1)


def test_a_tier_is_left_out_for_as_long_as_a_breaker_pauses(browser: Client, tiers: list[Tier]) -> None:
    BreakerChange.objects.create(tier_id=tiers[1].pk, at=datetime.now(UTC), kind="server")
    low, high = table(browser, "tiers")
    assert (low["state"], high["state"]) == (FAILED, "left out after server")


def test_a_tier_that_was_not_asked_in_the_range_is_not_called_well(project: Project, tiers: list[Tier]) -> None:
    assert [row["state"] for row in table(visitor(project), "tiers")] == ["not asked"] * len(tiers)


def test_reasons_climbs_and_what_all_paid_would_have_cost(browser: Client) -> None:
    reasons = {row["reason"]: row for row in table(browser, "reasons")}
    assert reasons["the lowest tier that can"]["asked"] == "10"
    assert reasons["the answer of tier-1 did not pass"]["given"] == "2"
    (climbs,) = table(browser, "climbs")
    assert (climbs["refused"], climbs["compared"], climbs["bettered"], climbs["needless"]) == ("2", "2", "1", "1")
    was, paid, saved = (row["cost_usd"] for row in table(browser, "all-paid"))
    assert (was, paid, saved) == ("0.0036", "0.0156", "0.012")
    opened = [row["what"] for row in table(browser, "breakers") if row["tier"] == "tier-1"]
    assert opened == ["left out: no answer"]


def test_kept_answers_say_how_often_they_were_found_and_what_that_saved(
    browser: Client, project: Project, tiers: list[Tier]
) -> None:
    assert "Answers given again" not in browser.get(f"/routing/?{DAYS}").content.decode()
    sums = {"input_tokens": 4_000, "output_tokens": 400, "saved_nanousd": 4_800_000}
    for day, tier, found, unpriced in ((AT, 1, 4, 0), (AT, 0, 2, 2), (AT.replace(day=3), 1, 9, 0)):
        given = {"project_id": project.pk, "day": day.date(), "tier_id": tiers[tier].pk}
        RecallDay.objects.create(**given, asked=10, found=found, unpriced=unpriced, **sums)
    free, paid = table(browser, "kept-answers")
    assert (free["tier"], free["found_percent"], free["saved_usd"], free["unpriced"]) == ("tier-1", "20.0", "", "2")
    assert (paid["asked"], paid["found"], paid["found_percent"]) == ("10", "4", "40.0")
    assert (paid["input_tokens"], paid["output_tokens"], paid["saved_usd"]) == ("4000", "400", "0.0048")


def test_shorter_prompts_say_what_was_left_out_and_what_that_saved_or_would_have(
    browser: Client, project: Project, tiers: list[Tier]
) -> None:
    assert "Prompts made shorter" not in browser.get(f"/routing/?{DAYS}").content.decode()
    sums = {"asked": 4, "came_tokens": 10_000, "came_nanousd": 2_000_000, "fetched": 1}
    for is_shadow, shortened, saved in ((False, 3, 7_500), (True, 4, -500)):
        given = {"project_id": project.pk, "day": AT.date(), "tier_id": tiers[1].pk, "is_shadow": is_shadow}
        CompressionDay.objects.create(
            **given, **sums, shortened=shortened, saved_tokens=saved, saved_nanousd=saved * 200
        )
    on, shadow = table(browser, "shorter-prompts")
    assert (on["mode"], on["asked"], on["shortened"], on["fetched"]) == ("on", "4", "3", "1")
    assert (on["saved_tokens"], on["saved_percent"], on["saved_usd"]) == ("7500", "75.0", "0.0015")
    assert (on["saved_cost_percent"], shadow["saved_cost_percent"]) == ("75.0", "-5.0")
    assert (shadow["mode"], shadow["saved_tokens"], shadow["saved_percent"]) == ("shadow", "-500", "-5.0")


def test_shares_over_time_stand_above_their_targets(browser: Client) -> None:
    rows = table(browser, "tier-shares")
    assert rows[-1] | {"bucket": ""} == {
        "bucket": "",
        "calls": "13",
        "tier-1_percent": "76.9",
        "tier-2_percent": "23.1",
    }
    assert (rows[-2]["bucket"], rows[-2]["tier-1_percent"]) == ("Target", "50.0")


def test_the_page_prints_what_agents_wrote_as_text_and_is_there_without_any_call(browser: Client) -> None:
    shown = browser.get(f"/routing/?{DAYS}").content.decode()
    assert "&lt;script&gt;alert(1)" in shown
    assert "<script>alert(1)" not in shown
    assert "No tier was asked" not in shown
    empty = visitor(Project.objects.create(slug=f"p{uuid.uuid4().hex[:12]}", name="empty"))
    assert empty.get("/routing/").status_code == 200


def test_where_no_tier_was_asked_the_page_says_how_one_is(project: Project, tiers: list[Tier]) -> None:
    store(project, invented_calls(3))
    shown = visitor(project).get("/routing/?range=all").content.decode()
    assert "No tier was asked in this range." in shown
    assert "#source-gateway" in shown
    assert "compared with" not in shown
    Tier.objects.all().delete()
    roster.forget()
    assert "No tier is set up" in visitor(project).get("/routing/?range=all").content.decode()
