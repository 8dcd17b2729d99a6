"""Where models are asked, with which key, and how many calls an account may make.

Rows hold for the whole instance: accounts with providers do not belong to projects.
"""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models

_NAME = RegexValidator(r"^[a-z0-9][a-z0-9._-]*\Z", "Lower-case letters, digits, and . _ - between them.")
_VARIABLE = RegexValidator(  # so that no variable of another purpose can be sent anywhere
    r"^(?!TLOI_)[A-Z][A-Z0-9_]*_(API_KEY|API_TOKEN|AUTH_TOKEN)\Z",
    "The name of an environment variable that ends in _API_KEY, _API_TOKEN or _AUTH_TOKEN, and is none of TLOI's.",
)


class QuotaGroup(models.Model):
    """Calls that one account may make, whichever of a group's tiers makes them: OpenRouter's free models, say."""

    name = models.CharField(max_length=80, unique=True, validators=(_NAME,))
    a_minute = models.PositiveIntegerField(
        "calls a minute", null=True, blank=True, validators=(MinValueValidator(1),), help_text="Empty: no limit."
    )
    a_day = models.PositiveIntegerField(
        "calls a day", null=True, blank=True, validators=(MinValueValidator(1),), help_text="Of UTC. Empty: no limit."
    )
    note = models.CharField(max_length=300, blank=True, help_text="Where the limits come from.")

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Provider(models.Model):
    """An address that speaks one family of protocols, and the key that opens it: the name of an environment variable,
    or the key itself, sealed."""

    class Family(models.TextChoices):
        OPENAI = "openai", "OpenAI: the base URL ends in /v1"
        ANTHROPIC = "anthropic", "Anthropic: the base URL ends before /v1"

    name = models.CharField(
        max_length=80, unique=True, validators=(_NAME,), help_text="As calls and prices name it, such as openrouter."
    )
    family = models.CharField(max_length=10, choices=Family.choices, default=Family.OPENAI)
    base_url = models.CharField("base URL", max_length=500)
    key_variable = models.CharField(
        "key from variable",
        max_length=100,
        blank=True,
        validators=(_VARIABLE,),
        help_text="The environment variable of the gateway's process that holds the key. Comes before a sealed key.",
    )
    sealed_key = models.TextField(blank=True, default="", editable=False)
    speaks_responses = models.BooleanField(
        "speaks /v1/responses", default=False, help_text="OpenAI does. Others get such requests as chat completions."
    )
    is_local = models.BooleanField(
        "our own machine",
        default=False,
        help_text="It asks for no key, and what it generates for nobody is cancelled.",
    )
    is_managed = models.BooleanField(
        "started by TLOI",
        default=False,
        help_text="Where TLOI_LOCAL_MODEL is set, this is that server: its address and model come from the setting.",
    )

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=("is_managed",), name="one_managed_provider", condition=models.Q(is_managed=True)
            ),
        )

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """One provider at most is started by TLOI. Raises ValidationError."""
        if self.is_managed and Provider.objects.filter(is_managed=True).exclude(pk=self.pk).exists():
            raise ValidationError({"is_managed": "Another provider is the one that TLOI starts."})
