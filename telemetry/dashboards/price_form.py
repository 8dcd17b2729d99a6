"""The form on the Models page that prices a model of one project, and what it leads to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from django import forms
from django.contrib.admin.models import ADDITION, LogEntry
from django.core.exceptions import ValidationError
from django.db import transaction

from telemetry.access.projects import may_price
from telemetry.contracts import Label
from telemetry.dashboards import formats
from telemetry.database import connection
from telemetry.ledger import overrides
from telemetry.ledger.repricing import Report, reprice
from telemetry.models import Membership, PriceOverride

PATIENCE_S = 10.0
_NO_MODEL = "Choose a model of the list."


class PriceForm(forms.ModelForm[PriceOverride]):
    """A price for a model that a call of the project bears. `model` is the call's provider and model as JSON."""

    model = forms.CharField(widget=forms.Select, error_messages={"required": _NO_MODEL})

    class Meta:
        model = PriceOverride
        fields = (
            *("input_usd", "output_usd", "cache_read_usd", "cache_write_usd", "cache_write_1h_usd", "per_call_usd"),
            *("is_free", "valid_from", "note"),
        )
        labels = {  # noqa: RUF012 (Django's)
            "input_usd": "Input",
            "output_usd": "Output",
            "cache_read_usd": "Cache read",
            "cache_write_usd": "Cache write, 5 minutes",
            "cache_write_1h_usd": "Cache write, 1 hour",
            "per_call_usd": "Each call, $",
        }
        widgets = {"valid_from": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}  # noqa: RUF012 (Django's)

    field_order = ("model",)

    def __init__(self, membership: Membership, data: Any = None) -> None:
        super().__init__(data, label_suffix="", instance=PriceOverride(project=membership.project))

    def offer(self, unpriced: Sequence[tuple[str, str, int]]) -> PriceForm:
        """The form with (provider, model, calls) to choose from."""
        self.fields["model"].widget.choices = [
            (msgspec.json.encode((provider, model)).decode(), f"{model} at {provider}" if provider else model)
            for provider, model, _ in unpriced
        ]
        return self

    def add_error(self, field: str | None, error: Any) -> None:
        """Keep quiet about a field that said already what is wrong with it."""
        for name in self.errors.keys() & getattr(error, "error_dict", {}).keys():
            del error.error_dict[name]
        super().add_error(field, error)

    def clean_model(self) -> str:
        """Put provider and model where they belong. Raises ValidationError."""
        try:
            provider, model = msgspec.json.decode(self.cleaned_data["model"], type=tuple[Label, Label])
        except msgspec.DecodeError:
            raise ValidationError(_NO_MODEL) from None
        if not model or "\0" in provider + model:
            raise ValidationError(_NO_MODEL)
        self.instance.provider, self.instance.model = provider, model
        return model


def form_for(membership: Membership, unpriced: Sequence[tuple[str, str, int]]) -> PriceForm | None:
    """An empty form for who may price; None for who only looks, or where there is nothing to price."""
    return PriceForm(membership).offer(unpriced) if may_price(membership) and unpriced else None


def saved(form: PriceForm, *, user_id: int) -> PriceOverride | None:
    """The override, written down with who made it; None where the form then says what is wrong."""
    with transaction.atomic():  # the check of overlaps holds until the commit
        if not form.is_valid():
            return None
        override = form.save()
        LogEntry.objects.log_actions(user_id, [override], ADDITION, "Priced on the Models page.", single_object=True)
    overrides.forget()
    return override


def price_calls(override: PriceOverride, *, first_call_at: datetime | None, now: datetime) -> str:
    """Price the calls that are here, newest first, for PATIENCE_S at most. Returns what was done and what remains."""
    first = first_call_at or now
    if override.valid_from:
        first = max(first, datetime.combine(override.valid_from, datetime.min.time(), UTC))
    report, began, reached = Report(), time.monotonic(), now
    days = reprice(
        connection(),
        project_id=override.project_id or 0,
        start=first,
        end=now + timedelta(days=1),
        model=override.model,
    )
    for reached, of_day in days:  # noqa: B007 (how far it came is what the last sentence says)
        report.add(of_day)
        if time.monotonic() - began > PATIENCE_S:
            break
    calls = sum(model.calls for model in report.models.values())
    cost = sum(model.after_nanousd for model in report.models.values())
    said = (
        f"{override.model} has a price: {calls:,} {'call' if calls == 1 else 'calls'} cost {formats.usd(cost)} by it."
    )
    if reached <= first and not report.held:
        return said
    return (
        f"{said} The others are many: tloi reprice --project {override.project and override.project.slug}"
        f" --from {first:%Y-%m-%d} --to {reached:%Y-%m-%d} --model '{override.model}'"
    )
