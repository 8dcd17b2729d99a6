"""Roots of skills that belong to a project of a test."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from skills import roots
from skills.models import SkillRoot
from telemetry.models import Project
from tests.skill_folders import write_skill


def skill_of(project: Project, name: str, *, body: str, file: str, text: str) -> None:
    """A skill of the project's own, with a file beside it, which live as long as the process."""
    root = Path(tempfile.mkdtemp(prefix="skills-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    (write_skill(root, name, body=body).parent / file).write_text(text)
    SkillRoot.objects.create(path=str(root), project_id=project.pk)
    roots.reread()
