"""Templates loop and print: no inline script, style or handler, and nothing is declared safe that Django escapes."""

from __future__ import annotations

import re

import pytest

from tests.house.tree import APPS, files

FORBIDDEN = {
    "an inline script": re.compile(r"<script(?![^>]*\ssrc=)", re.IGNORECASE),
    "an inline style": re.compile(r"<style|\sstyle\s*=", re.IGNORECASE),
    "an inline handler": re.compile(r"\s(?:on[a-z]+|hx-on[\w:.-]*)\s*=|javascript:|=\s*[\"']js:", re.IGNORECASE),
    "unescaped output": re.compile(r"\|\s*safe(?:seq)?\b|autoescape\s+off", re.IGNORECASE),
}
_MARKED_SAFE = re.compile(r"\b(?:mark_safe|SafeString|SafeText|safestring)\b")


def inline_parts(text: str) -> list[str]:
    """What a template contains that it must not."""
    return [what for what, pattern in FORBIDDEN.items() if pattern.search(text)]


def test_templates_only_loop_and_print() -> None:
    templates = files(".html")
    assert {path: found for path in templates if (found := inline_parts(path.read_text("utf-8")))} == {}


def test_no_code_declares_its_output_safe() -> None:
    assert [path for path in files(".py", under=APPS) if _MARKED_SAFE.search(path.read_text("utf-8"))] == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("<script>draw()</script>", "an inline script"),
        ("<style>p { color: red }</style>", "an inline style"),
        ('<p style="color: red">', "an inline style"),
        ('<a onclick="go()">', "an inline handler"),
        ('<a hx-on:click="go()">', "an inline handler"),
        ('<a href="javascript:go()">', "an inline handler"),
        ("""<a hx-vals='js:{a: 1}'>""", "an inline handler"),
        ("{{ name|safe }}", "unescaped output"),
        ("{% autoescape off %}", "unescaped output"),
    ],
)
def test_an_inline_part_is_found(text: str, what: str) -> None:
    assert inline_parts(text) == [what]


def test_a_script_of_our_own_and_json_data_pass() -> None:
    assert inline_parts('<script src="{% static "chart.js" %}" defer></script>{{ figure|json_script:"figure" }}') == []
    assert _MARKED_SAFE.search("from django.utils.safestring import mark_safe")
