"""What prices rest on: which price table was in use when, and the prices that people set themselves.

Rates are US dollars per million tokens, as providers publish them; days are UTC days, both inclusive.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import connection, models

from telemetry.models.access import Project
from telemetry.usage import provider_of

RATES = ("input_usd", "cache_read_usd", "cache_write_usd", "cache_write_1h_usd", "output_usd")
_HIGHEST_USD = 100_000
_OVERRIDES_LOCK = 7_346_003


class PriceVersion(models.Model):
    """A source of computed costs and when it was in use. The newest row of a name that is open is in use now."""

    name = models.CharField(max_length=80)
    valid_from_at = models.DateTimeField()
    valid_to_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ("-valid_from_at", "name")
        constraints = (
            models.UniqueConstraint(
                fields=("name",), name="price_version_in_use_once", condition=models.Q(valid_to_at=None)
            ),
        )

    def __str__(self) -> str:
        return self.name


class PriceRevision(models.Model):
    """One row at most: the transaction that last changed an override, written by a trigger (the migration) in that
    transaction, so that a process sees by one number whether the overrides that it holds are those that are set."""

    number = models.BigIntegerField()


def _dollars(verbose_name: str, help_text: str = "") -> models.DecimalField[Decimal | None, Decimal | None]:
    return models.DecimalField(
        verbose_name,
        max_digits=12,
        decimal_places=6,
        null=True,
        blank=True,
        validators=(MinValueValidator(0), MaxValueValidator(_HIGHEST_USD)),
        help_text=help_text,
    )


class PriceOverride(models.Model):
    """What a model costs, as a person says, in place of the price table or where the table knows nothing."""

    project = models.ForeignKey(
        Project,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="price_overrides",
        help_text="Empty: every project. A project's own price comes before one for every project.",
    )
    provider = models.CharField(
        max_length=200, blank=True, help_text="As calls name it, such as openrouter or local. Empty: any provider."
    )
    model = models.CharField(
        max_length=200, help_text="As calls name it. A * at the end: every model whose name begins so."
    )
    valid_from = models.DateField(
        "first day", null=True, blank=True, help_text="UTC, by the date of the call. Empty: since ever."
    )
    valid_to = models.DateField("last day", null=True, blank=True, help_text="UTC, inclusive. Empty: until changed.")
    is_free = models.BooleanField("free", default=False, help_text="Costs nothing; leave all prices empty.")
    input_usd = _dollars("input, $ per million tokens")
    cache_read_usd = _dollars("cache read, $ per million tokens", "Empty: the price of input.")
    cache_write_usd = _dollars("cache write (5 minutes), $ per million tokens", "Empty: the price of input.")
    cache_write_1h_usd = _dollars("cache write (1 hour), $ per million tokens", "Empty: the price of a 5 minute write.")
    output_usd = _dollars("output, $ per million tokens", "Reasoning included.")
    per_call_usd = _dollars("per call, $", "A fee for each request. Empty: none.")
    note = models.CharField(max_length=300, blank=True, help_text="Where the price comes from.")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("model", "provider", "valid_from")

    def __str__(self) -> str:
        return f"override {self.pk}: {self.model}"

    def clean(self) -> None:
        """Refuse what would price nothing, price twice, or mean something else than it says. Raises ValidationError,
        each message at its field. In a transaction the check of overlaps holds until the commit."""
        self.provider, self.model = self.provider.strip(), self.model.strip()
        wrong = {**self._bad_names(), **self._bad_rates()}
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            wrong["valid_to"] = "The last day is before the first."
        if wrong:
            raise ValidationError(wrong)
        self._refuse_overlaps()

    def _bad_names(self) -> dict[str, Any]:
        """What is wrong with the model's name."""
        if not self.model:
            return {"model": "Name the model."}
        if "*" in self.model[:-1]:
            return {"model": "A * may only stand at the end: gpt-5* fits every model whose name begins with gpt-5."}
        return {}

    def _bad_rates(self) -> dict[str, Any]:
        """What is wrong with the prices: some without which there is no cost, or some beside `free`."""
        given = [name for name in (*RATES, "per_call_usd") if getattr(self, name) is not None]
        if self.is_free:
            return dict.fromkeys(given, "A free model has no price: leave this empty, or untick free.")
        return {
            name: "Say what a million tokens cost; 0 is a price too."
            for name in ("input_usd", "output_usd")
            if getattr(self, name) is None
        }

    def _refuse_overlaps(self) -> None:
        """Raise ValidationError where another override of the same project, provider and model holds on a same day."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_OVERRIDES_LOCK])
        others = PriceOverride.objects.filter(project=self.project, model=self.model).exclude(pk=self.pk)
        if self.valid_to:
            others = others.exclude(valid_from__gt=self.valid_to)
        if self.valid_from:
            others = others.exclude(valid_to__lt=self.valid_from)
        provider = provider_of(self.provider)
        other = next((one for one in others if provider_of(one.provider) == provider), None)
        if other:
            span = f"from {other.valid_from or 'ever'} to {other.valid_to or 'further notice'}"
            raise ValidationError(
                f"Override {other.pk} prices {self.model} {span}. End it first, or choose other days."
            )
