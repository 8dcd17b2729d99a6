"""The ladder's tiers, the names under which keys ask for them, and the number that changes with any of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from routing.models.providers import Provider, QuotaGroup

HUNDRED = Decimal(100)
_HIGHEST_USD = 100_000


def _dollars(verbose_name: str) -> models.DecimalField[Decimal | None, Decimal | None]:
    """To a tenth of a cent a million tokens, so that one token is a whole number of nano-dollars."""
    return models.DecimalField(
        verbose_name,
        max_digits=9,
        decimal_places=3,
        null=True,
        blank=True,
        validators=(MinValueValidator(0), MaxValueValidator(_HIGHEST_USD)),
        help_text="Empty: as the price book says.",
    )


def _seconds(verbose_name: str, default: float, meaning: str) -> models.FloatField[float, float]:
    return models.FloatField(
        verbose_name,
        default=default,
        validators=(MinValueValidator(0.05), MaxValueValidator(86_400)),
        help_text=meaning,
    )


class Tier(models.Model):
    """One step of the ladder: a model of a provider, what it can do, what it costs, and how long it may take."""

    position = models.PositiveSmallIntegerField(
        unique=True, validators=(MinValueValidator(1), MaxValueValidator(1_000)), help_text="1 is asked first."
    )
    name = models.CharField(max_length=80, unique=True)
    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="tiers")
    model = models.CharField(max_length=200, help_text="As the provider names it.")
    is_enabled = models.BooleanField("in use", default=False)
    share_percent = models.DecimalField(
        "share, %",
        max_digits=5,
        decimal_places=2,
        default=Decimal(0),
        validators=(MinValueValidator(0), MaxValueValidator(100)),
        help_text="The part of all calls that it should have.",
    )
    context_window = models.PositiveIntegerField(
        default=32_768, validators=(MinValueValidator(256),), help_text="Tokens, of input and output together."
    )
    max_output = models.PositiveIntegerField(
        null=True, blank=True, validators=(MinValueValidator(1),), help_text="Tokens. Empty: what the window leaves."
    )
    has_tools = models.BooleanField("tools", default=False)
    has_vision = models.BooleanField("images", default=False)
    has_json = models.BooleanField("JSON by schema", default=False)
    has_embeddings = models.BooleanField("embeddings", default=False)
    is_free = models.BooleanField("free", default=False, help_text="Costs nothing; leave both prices empty.")
    input_usd = _dollars("input, $ per million tokens")
    output_usd = _dollars("output, $ per million tokens")
    concurrency = models.PositiveSmallIntegerField(
        "calls at once",
        null=True,
        blank=True,
        validators=(MinValueValidator(1),),
        help_text="Over all processes; 1 for mlx_lm.server, which mixes up what it answers at once. Empty: any number.",
    )
    queue = models.PositiveSmallIntegerField(
        "may wait", default=0, help_text="How many calls may wait for one of them; the next goes to another tier."
    )
    quota = models.ForeignKey(
        QuotaGroup,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="tiers",
        help_text="What its account may do together with the group's other tiers.",
    )
    connect_s = _seconds("connection", 5, "Seconds for a connection.")
    first_token_s = _seconds("first token", 10, "Seconds until the first token of a stream.")
    silence_s = _seconds("silence", 20, "Seconds between two pieces of a stream.")
    total_s = _seconds("whole stream", 600, "Seconds for all of a stream.")
    whole_s = _seconds("whole answer", 120, "Seconds for all of an answer that is not streamed.")
    looked_at = models.DateTimeField(null=True, editable=False)
    vanished_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("position",)

    def __str__(self) -> str:
        return f"{self.position} · {self.name}"

    def clean(self) -> None:
        """Refuse what cannot be asked, or would mean something else than it says. Raises ValidationError, each message
        at its field."""
        self.name, self.model = self.name.strip(), self.model.strip()
        wrong: dict[str, Any] = {}
        if self.is_free:
            given = [name for name in ("input_usd", "output_usd") if getattr(self, name) is not None]
            wrong |= dict.fromkeys(given, "A free tier has no price: leave this empty, or untick free.")
        elif (self.input_usd is None) != (self.output_usd is None):
            empty = "input_usd" if self.input_usd is None else "output_usd"
            wrong[empty] = "Say both prices, or neither: then the price book's hold."
        if self.max_output and self.context_window and self.max_output > self.context_window:
            wrong["max_output"] = "The output is a part of the context window."
        if self.queue and self.concurrency is None:
            wrong["queue"] = "Nothing waits where any number of calls may run at once."
        if self.name.lower() == "auto" or self.name.lower().startswith("tier:"):
            wrong["name"] = "auto and tier:… mean something else where a model is asked for."
        if wrong:
            raise ValidationError(wrong)


class Alias(models.Model):
    """A name that a key's agents ask for, and the tier that they get. `key_id` is of an API key, which is telemetry's:
    empty means every key, and a key's own alias comes first."""

    key_id = models.BigIntegerField("API key", null=True, blank=True, help_text="Empty: every key.")
    name = models.CharField(
        "model asked for", max_length=200, help_text="Such as gpt-4o-mini, which an agent has built in."
    )
    tier = models.ForeignKey(
        Tier, on_delete=models.CASCADE, null=True, blank=True, related_name="aliases", help_text="Empty: the ladder."
    )

    class Meta:
        verbose_name_plural = "aliases"
        ordering = ("name", "key_id")
        constraints = (
            models.UniqueConstraint(fields=("key_id", "name"), name="one_alias_a_key", nulls_distinct=False),
        )

    def __str__(self) -> str:
        return self.name


class RosterRevision(models.Model):
    """One row at most: the transaction that last changed a row of what the gateway reads, written by triggers (the
    migration) in that transaction, so that a process sees by one number whether what it holds is what is set."""

    number = models.BigIntegerField()
