"""What money is spent for: objectives, their key results, and which work is counted towards them.

Edited in the admin or read from a file (`limits/`), which keep what was said of days that are over. Days are those of
the project's zone, both inclusive; an empty first or last day is no limit. `recorded_on` is the day on which a row was
written down: spend of earlier days that was attributed by then stays where it is (docs/objectives.md).
"""

from __future__ import annotations

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from telemetry.models.access import Project

KEY_LETTERS = 80
NAME_LETTERS = 200
SMALLEST_WEIGHT = Decimal("0.0001")
_key = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9._:/#-]*\Z",
    "A key has letters, digits and . _ : / # - and begins with a letter or digit.",
)


class Objective(models.Model):
    """What is to be reached. Its key is what the `objective` field of telemetry may say, and never changes."""

    class Priority(models.IntegerChoices):
        HIGH = 1, "High"
        NORMAL = 2, "Normal"
        LOW = 3, "Low"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="objectives")
    key = models.CharField(max_length=KEY_LETTERS, validators=[_key], help_text="Such as O1: what agents may send.")
    title = models.CharField(max_length=200)
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    owner = models.CharField(max_length=120, blank=True, default="")
    first_day = models.DateField(null=True, blank=True, help_text="Of its period. Empty: none.")
    last_day = models.DateField(null=True, blank=True, help_text="Of its period, inclusive. Empty: none.")
    recorded_on = models.DateField(editable=False)

    class Meta:
        ordering = ("project", "priority", "key")
        constraints = (models.UniqueConstraint(fields=("project", "key"), name="one_objective_a_key"),)

    def __str__(self) -> str:
        return f"{self.key}: {self.title}"

    def clean(self) -> None:
        """Raises ValidationError."""
        refuse_backwards(self.first_day, self.last_day)


class KeyResult(models.Model):
    """How one sees that an objective is reached: a metric that goes from `start_value` to `target_value`."""

    class Direction(models.TextChoices):
        UP = "up", "Up: more is better"
        DOWN = "down", "Down: less is better"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="key_results", editable=False)
    objective = models.ForeignKey(Objective, on_delete=models.CASCADE, related_name="key_results")
    key = models.CharField(max_length=KEY_LETTERS, validators=[_key], help_text="Such as O1-KR2: what agents may send.")
    title = models.CharField(max_length=200)
    metric = models.CharField(max_length=120, blank=True, default="", help_text="What is measured.")
    unit = models.CharField(max_length=40, blank=True, default="", help_text="Such as %, days, tickets.")
    start_value = models.DecimalField("start", max_digits=20, decimal_places=4, null=True, blank=True)
    target_value = models.DecimalField("target", max_digits=20, decimal_places=4, null=True, blank=True)
    direction = models.CharField(max_length=4, choices=Direction.choices, default=Direction.UP)
    first_day = models.DateField(null=True, blank=True, help_text="Of its period. Empty: the objective's.")
    last_day = models.DateField(null=True, blank=True, help_text="Of its period, inclusive. Empty: the objective's.")
    recorded_on = models.DateField(editable=False)

    class Meta:
        ordering = ("objective", "key")
        constraints = (models.UniqueConstraint(fields=("project", "key"), name="one_key_result_a_key"),)

    def __str__(self) -> str:
        return f"{self.key}: {self.title}"

    def clean(self) -> None:
        """A metric has both ends, the target in its direction. Raises ValidationError."""
        refuse_backwards(self.first_day, self.last_day)
        start, target = self.start_value, self.target_value
        if (start is None) != (target is None):
            raise ValidationError({"target_value": "Say where the metric starts and where it is to go, or neither."})
        if start is None or target is None:
            return
        if (target <= start) if self.direction == self.Direction.UP else (target >= start):
            raise ValidationError({"target_value": f"The target does not lie {self.direction} from the start."})


class KeyResultValue(models.Model):
    """What the metric of a key result was on a day: a snapshot that somebody took."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", editable=False)
    key_result = models.ForeignKey(KeyResult, on_delete=models.CASCADE, related_name="values")
    day = models.DateField()
    value = models.DecimalField(max_digits=20, decimal_places=4)
    source = models.CharField(max_length=80, blank=True, default="", help_text="Who or what measured it.")

    class Meta:
        ordering = ("key_result", "day")
        constraints = (models.UniqueConstraint(fields=("key_result", "day"), name="one_value_a_day"),)

    def __str__(self) -> str:
        return f"{self.value.normalize():f} on {self.day}"


class WorkItem(models.Model):
    """A ticket, epic or issue of a tracker, and which one it stands below on these days. Runs name it as their task.

    A row a span of days, so that an item that moves takes none of what was spent before along. `parent` is the key of
    another item; items of which nothing is known but their key need no row.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="work_items")
    key = models.CharField(max_length=NAME_LETTERS, help_text="As runs name it: their task's id.")
    parent = models.CharField(max_length=NAME_LETTERS, blank=True, default="", help_text="The key of the one above it.")
    title = models.CharField(max_length=200, blank=True, default="")
    source = models.CharField(max_length=80, blank=True, default="", help_text="The tracker.")
    first_day = models.DateField(null=True, blank=True)
    last_day = models.DateField(null=True, blank=True)
    recorded_on = models.DateField(editable=False)

    class Meta:
        ordering = ("project", "key", "first_day")
        indexes = (models.Index(fields=("project", "key"), name="work_item_by_key"),)

    def __str__(self) -> str:
        return f"{self.key} below {self.parent}" if self.parent else self.key

    def clean(self) -> None:
        """Raises ValidationError."""
        self.key, self.parent = self.key.strip(), self.parent.strip()
        refuse_backwards(self.first_day, self.last_day)
        if self.parent == self.key:
            raise ValidationError({"parent": "An item does not stand below itself."})


class Attribution(models.Model):
    """Which share of the work that it names is counted towards a key result, or an objective as a whole.

    `name` is a run's id, a tag (what telemetry's `objective` says), or a work item's key; a rule says instead which
    task type, agent, or pattern of task ids it is for. Those of one such subject add up to 1 at most on any day.
    """

    class Kind(models.TextChoices):
        RUN = "run", "Run"
        TAG = "tag", "Tag"
        WORK_ITEM = "work_item", "Work item"
        RULE = "rule", "Rule"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="attributions")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(
        max_length=NAME_LETTERS,
        blank=True,
        default="",
        help_text="The run's id, the tag that telemetry sends as objective, or the work item's key. Empty for a rule.",
    )
    task_type = models.CharField(max_length=NAME_LETTERS, blank=True, default="", help_text="For a rule. Empty: any.")
    agent = models.CharField(max_length=NAME_LETTERS, blank=True, default="", help_text="For a rule. Empty: any.")
    pattern = models.CharField(
        max_length=NAME_LETTERS,
        blank=True,
        default="",
        help_text="For a rule: task ids such as release-*, where * stands for anything. Empty: any.",
    )
    objective = models.ForeignKey(Objective, on_delete=models.PROTECT, related_name="attributions")
    key_result = models.ForeignKey(
        KeyResult,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="attributions",
        help_text="Of that objective. Empty: the objective as a whole.",
    )
    weight = models.DecimalField(
        max_digits=5,
        decimal_places=4,
        default=Decimal(1),
        validators=[MinValueValidator(SMALLEST_WEIGHT), MaxValueValidator(1)],
        help_text="The share, from 0.0001 to 1.",
    )
    first_day = models.DateField(null=True, blank=True, help_text="Empty: since ever.")
    last_day = models.DateField(null=True, blank=True, help_text="Inclusive. Empty: until it is ended.")
    recorded_on = models.DateField(editable=False)
    author = models.CharField(max_length=150, blank=True, default="", editable=False)
    note = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ("project", "kind", "name", "task_type", "agent", "pattern", "first_day")
        constraints = (
            models.CheckConstraint(condition=Q(weight__gt=0, weight__lte=1), name="weight_is_a_share"),
            models.CheckConstraint(
                condition=(Q(kind="rule", name="") & ~Q(task_type="", agent="", pattern=""))
                | (~Q(kind="rule") & ~Q(name="") & Q(task_type="", agent="", pattern="")),
                name="attribution_names_its_work",
            ),
        )
        indexes = (models.Index(fields=("project", "kind", "name"), name="attribution_of_work"),)

    def __str__(self) -> str:
        return f"{self.subject} for {self.key_result or self.objective}"

    @property
    def subject(self) -> str:
        """What it is for, in words."""
        if self.kind != self.Kind.RULE:
            return f"{self.Kind(self.kind).label.lower()} {self.name}"
        said = (("task type", self.task_type), ("agent", self.agent), ("tasks", self.pattern))
        return "rule: " + ", ".join(f"{what} {value}" for what, value in said if value)

    def clean(self) -> None:
        """It names its work in one way, and a key result of its own objective. Raises ValidationError."""
        for field in ("name", "task_type", "agent", "pattern"):
            setattr(self, field, getattr(self, field).strip())
        refuse_backwards(self.first_day, self.last_day)
        asked = {name: getattr(self, name) for name in ("task_type", "agent", "pattern") if getattr(self, name)}
        if self.kind == self.Kind.RULE and (self.name or not asked):
            raise ValidationError("A rule has no name, and says which task type, agent or pattern it is for.")
        if self.kind != self.Kind.RULE and (asked or not self.name):
            raise ValidationError("Say the name of the run, tag or work item; the rest is for rules.")
        if self.objective_id and self.objective.project_id != self.project_id:
            raise ValidationError({"objective": "This objective belongs to another project."})
        if self.key_result and self.key_result.objective_id != self.objective_id:
            raise ValidationError({"key_result": "This key result belongs to another objective."})


def refuse_backwards(first: object, last: object) -> None:
    """Raise ValidationError where a span of days ends before it begins."""
    if first and last and last < first:  # type: ignore[operator]
        raise ValidationError({"last_day": "The last day is before the first."})
