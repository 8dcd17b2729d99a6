"""Objectives in a real browser: a page that fits, whatever people called what they want."""

from __future__ import annotations

from datetime import date

import pytest

from telemetry.models import KeyResult, Objective, Project
from tests.browsing import Tab
from tests.made_runs import run_of
from tests.page_reading import invented_calls, store

pytestmark = pytest.mark.browser
HOSTILE = f"<script>alert(1)</script> =cmd() \u202e{'x' * 150}"


def test_a_narrow_window_is_not_scrolled_sideways_by_long_and_hostile_names(tab: Tab, project: Project) -> None:
    store(project, invented_calls(3))
    recorded = {"project": project, "recorded_on": date(2025, 1, 1)}
    objective = Objective.objects.create(**recorded, key="O" * 80, title=HOSTILE)
    KeyResult.objects.create(**recorded, objective=objective, key="K" * 80, title=HOSTILE)
    run_of(project, "a", objective="K" * 80, agent=HOSTILE, cost_nanousd=10**9, calls=1)
    run_of(project, "b", objective=HOSTILE, agent=HOSTILE, cost_nanousd=10**9, calls=1)
    tab.page.set_viewport_size({"width": 400, "height": 900})
    tab.open("/objectives/?from=2025-10-24&to=2025-10-27")
    wider = tab.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider == 0
    assert tab.page.locator("#panel-results tbody tr").count() == 2
    assert tab.page.locator("#panel-unattributed").is_visible()
