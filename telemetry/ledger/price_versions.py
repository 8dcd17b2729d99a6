"""Which sources of computed costs are in use: the price version of a call is the name of a row here, or an override."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from telemetry.ledger.pricing import FREE, PRICE_VERSION
from telemetry.models import PriceVersion

IN_USE = {
    PRICE_VERSION: "The price table that is installed; it knows prices by the date of the call.",
    FREE: "Models whose name ends in :free cost nothing.",
}


def ensure_price_versions(*, now: datetime) -> None:
    """Write down what is in use, from `now` on where it is new, and end what is not in use any more. Safe to repeat."""
    with transaction.atomic():
        PriceVersion.objects.filter(valid_to_at=None).exclude(name__in=IN_USE).update(valid_to_at=now)
        for name, note in IN_USE.items():
            PriceVersion.objects.get_or_create(
                name=name, valid_to_at=None, defaults={"valid_from_at": now, "note": note}
            )
