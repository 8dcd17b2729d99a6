"""A price that is set holds in every web process for calls that arrive two seconds later."""

from __future__ import annotations

import time
from decimal import Decimal

from telemetry.models import PriceOverride, Project
from tests.api_calls import call, send
from tests.ledger_reading import rows


def test_a_price_holds_in_every_process_within_two_seconds(web: str, key: str, project: Project) -> None:
    def versions(name: str) -> set[str]:
        """The price versions of thirty calls, each sent by a connection of its own, so to whichever process."""
        for n in range(30):
            send(web, key, call(f"{name}-{n}"))
        return {row["price_version"] for row in rows(project.pk) if row["request_key"].startswith(name)}

    assert versions("before") == {""}
    one = PriceOverride.objects.create(
        project=project, model="house-llama", input_usd=Decimal(1), output_usd=Decimal(1)
    )
    time.sleep(2)
    assert versions("after") == {f"override {one.pk}"}
    one.delete()
    time.sleep(2)
    assert versions("again") == {""}
