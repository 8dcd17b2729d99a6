"""What people grant: how many tokens or dollars of what, in which span. Edited in the admin."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from telemetry.models.access import ApiKey, Project

_MOST = Decimal(10**9)  # dollars, which as nano-dollars are still an int8
_MOST_TOKENS = Decimal(2**53)
_PREFIX = 8  # letters of a key that are no secret
_SMALLEST = Decimal("0.000000001")


class Budget(models.Model):
    """So much of something in each span of time. Which of them hold for a call: `limits/budgets.py`.

    An empty `subject` is each one by itself: each agent has as much. A project's own budget of a scope and period
    stands in place of those for every project, and a named one in place of the one for each.
    """

    class Scope(models.TextChoices):
        PROJECT = "project", "The whole project"
        SESSION_TYPE = "session_type", "Session type"
        SESSION = "session", "Session"
        AGENT = "agent", "Agent"
        TASK_TYPE = "task_type", "Task type"
        TIER = "tier", "Tier"
        OBJECTIVE = "objective", "Objective"
        KEY = "key", "API key"

    class Period(models.TextChoices):
        RUN = "run", "Each run of a task"
        SESSION = "session", "Each session"
        DAY = "day", "Day"
        WEEK = "week", "Week, from Monday"
        MONTH = "month", "Month"

    class Counts(models.TextChoices):
        WEIGHTED = "weighted", "Tokens, input weighted by price, and output"
        GROSS = "gross", "Tokens, each once"
        USD = "usd", "US dollars"

    class Mode(models.TextChoices):
        SHADOW = "shadow", "Shadow: say what would have been"
        WARN = "warn", "Warn"
        ENFORCE = "enforce", "Enforce: refuse what goes beyond"

    project = models.ForeignKey(
        Project,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="budgets",
        help_text="Empty: every project. A project's own stands in place of it.",
    )
    scope = models.CharField("of", max_length=12, choices=Scope.choices)
    subject = models.CharField(
        "which",
        max_length=200,
        blank=True,
        default="",
        help_text="As calls name it; of a key the eight letters after tloi_. Empty: each one by itself.",
    )
    period = models.CharField("in each", max_length=7, choices=Period.choices, help_text="In the project's zone.")
    counts = models.CharField(
        max_length=8,
        choices=Counts.choices,
        default=Counts.WEIGHTED,
        help_text="Weighted: what is read from a cache counts a tenth, what is written to one 1.25 or 2 times.",
    )
    amount = models.DecimalField(
        max_digits=25,
        decimal_places=9,
        validators=[MinValueValidator(_SMALLEST), MaxValueValidator(_MOST_TOKENS)],
        help_text="Whole tokens, or US dollars.",
    )
    mode = models.CharField(max_length=7, choices=Mode.choices, default=Mode.SHADOW)
    is_enabled = models.BooleanField(
        "enabled", default=True, help_text="A project's own that is off lifts the one for every project."
    )
    note = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("scope", "subject", "period", "counts")
        constraints = (
            models.UniqueConstraint(
                fields=("project", "scope", "subject", "period", "counts"),
                name="one_budget_a_span",
                nulls_distinct=False,
                violation_error_message="There is a budget of this kind already: change that one.",
            ),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="a_budget_grants_something"),
        )

    def __str__(self) -> str:
        unit = "US dollars" if self.counts == self.Counts.USD else "tokens"
        whose = self.subject or ("each" if self.scope != self.Scope.PROJECT else "it")
        amount = f"{self.amount:,f}".rstrip("0").rstrip(".") if "." in str(self.amount) else f"{self.amount:,}"
        return f"{self.get_scope_display()} ({whose}), {self.get_period_display().lower()}: {amount} {unit}"

    def clean(self) -> None:
        """Refuse what would mean something else than it says. Raises ValidationError, each message at its field."""
        self.subject = self.subject.strip()
        wrong = {**self._bad_span(), **self._bad_amount(), **self._bad_key()}
        if "\0" in self.subject or (self.scope == self.Scope.PROJECT and self.subject):
            wrong["subject"] = "The whole project has no name here: leave this empty, and choose the project above."
        if wrong:
            raise ValidationError(wrong)

    def _bad_span(self) -> dict[str, Any]:
        """What is wrong with the period: one in which nothing of that scope is added up."""
        short = (self.Period.RUN, self.Period.SESSION)
        if self.scope == self.Scope.SESSION and self.period != self.Period.SESSION:
            return {"period": "A session's own budget is for the whole session."}
        if self.scope == self.Scope.OBJECTIVE and self.period in short:
            return {"period": "An objective has a budget a day, week or month."}
        if self.scope == self.Scope.KEY and self.period in short:
            return {"period": "A key has a budget a day, week or month."}
        return {}

    def _bad_key(self) -> dict[str, Any]:
        """What is wrong with a key's name. Of a key that was typed in whole nothing secret is kept."""
        if self.scope != self.Scope.KEY or not self.subject:
            return {}
        self.subject = self.subject.removeprefix("tloi_")[:_PREFIX]
        keys = ApiKey.objects.filter(prefix=self.subject)
        if self.project_id is not None:
            keys = keys.filter(project_id=self.project_id)
        return {} if keys.exists() else {"subject": "No key of this project begins with tloi_ and these letters."}

    def _bad_amount(self) -> dict[str, Any]:
        """What is wrong with the amount: parts of tokens, or more dollars than can be counted."""
        if self.amount is None:
            return {}
        if self.counts == self.Counts.USD:
            return {"amount": f"At most {_MOST:,} US dollars."} if self.amount > _MOST else {}
        return {"amount": "Tokens are whole."} if self.amount != self.amount.to_integral_value() else {}
