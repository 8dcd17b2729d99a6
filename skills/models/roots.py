"""Folders of skills that were named in the admin, after those of TLOI_SKILL_ROOTS."""

from __future__ import annotations

from pathlib import Path

from django.core.exceptions import ValidationError
from django.db import models


def check_path(path: str) -> None:
    """Raises ValidationError for a path that means another folder for each process, or none."""
    if not Path(path).is_absolute() or ".." in Path(path).parts or "\0" in path:
        raise ValidationError("Give the whole path, such as /srv/skills, without two dots.")


class SkillRoot(models.Model):
    """A folder in which each folder with a SKILL.md is a skill. It must be there on every machine that serves."""

    path = models.CharField(max_length=500, validators=[check_path], help_text="The whole path, such as /srv/skills.")
    project_id = models.BigIntegerField(null=True, blank=True, help_text="Empty: every project.")
    position = models.PositiveSmallIntegerField(
        default=1, help_text="Of two skills of one name the one in the lower position is given out."
    )

    class Meta:
        ordering = ("position", "pk")
        constraints = (
            models.UniqueConstraint(fields=("path", "project_id"), name="one_skill_root", nulls_distinct=False),
        )

    def __str__(self) -> str:
        return self.path
