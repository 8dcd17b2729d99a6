"""Links between our pages lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

from tests.house.tree import files

_LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def broken_links(page: Path) -> list[str]:
    """The relative links of a Markdown page that lead to no file."""
    targets = _LINK.findall(_CODE.sub("", page.read_text("utf-8")))
    local = [target for target in targets if not re.match(r"[a-z]+:", target)]
    return [f"{page}: {target}" for target in local if not (page.parent / target).exists()]


def test_every_link_between_pages_leads_to_a_file() -> None:
    assert [link for page in files(".md") for link in broken_links(page)] == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[here](page.md#top) [gone](gone.md) [far](https://example.org/) `[code](x.md)`")
    assert broken_links(page) == [f"{page}: gone.md"]
