"""Routing in a real browser: its chart is drawn, and a narrow window is not scrolled sideways."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from routing.models import BreakerChange
from telemetry.models import Project
from tests.browsing import Tab
from tests.ladders import ladder
from tests.routed import ten_requests

pytestmark = pytest.mark.browser
HOSTILE = f"<script>alert(1)</script> =cmd() \u202e{'x' * 4_000}"


def test_the_page_is_drawn_and_fits(tab: Tab, project: Project) -> None:
    now = datetime.now(UTC)
    with ladder("http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1", "http://127.0.0.1:3/v1") as tiers:
        tiers[1].name, tiers[1].model = HOSTILE[:80], HOSTILE[:200]
        tiers[2].is_free, tiers[2].input_usd, tiers[2].output_usd = False, Decimal(1), Decimal(2)
        for tier in tiers:
            tier.save()
        for day in range(3):
            ten_requests(project, tiers[: 2 + day % 2], at=now - timedelta(days=day, minutes=5), why=HOSTILE)
        BreakerChange.objects.create(tier_id=tiers[0].pk, at=now - timedelta(minutes=3), kind="no_answer")
        for width in (400, 1440):
            tab.page.set_viewport_size({"width": width, "height": 900})
            tab.open("/routing/?range=7d")
            assert tab.page.locator("[data-drawn]").count() == 1
            assert tab.page.locator("section.panel").count() == 6
            assert tab.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
