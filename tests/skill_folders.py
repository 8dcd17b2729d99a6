"""Folders of skills that tests write."""

from __future__ import annotations

import time
from pathlib import Path

from skills.loader import folder


def write_skill(
    root: Path, name: str, *, tags: str = "", description: str = "Does a thing.", body: str = "Do it.\n"
) -> Path:
    """A skill in a root; its SKILL.md."""
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    metadata = f"metadata:\n  tags: {tags}\n" if tags else ""
    file = folder / "SKILL.md"
    file.write_text(f"---\nname: {name}\ndescription: {description}\n{metadata}---\n{body}")
    return file


def settle(root: Path) -> None:
    """Wait until what was written is old enough to be trusted not to change within a tick of the clock."""
    needed = folder.SETTLED_NS / 10**9 + 0.02
    newest = max(path.lstat().st_ctime for path in [root, *root.rglob("*")])
    time.sleep(max(0.0, newest + needed - time.time()))


def replace(file: Path, text: str) -> None:
    """Write a file as editors do: another one, put in its place."""
    new = file.with_name(".new")
    new.write_text(text)
    new.replace(file)
