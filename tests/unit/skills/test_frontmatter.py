"""Headers of SKILL.md: the standard, OpenClaw's dialect, and what is refused with which reason."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skills import frontmatter
from skills.contracts import Header
from skills.frontmatter import BadHeader

CATALOGUE = Path(frontmatter.__file__).parent / "catalogue"


def read(text: str, folder: str = "aria-health") -> Header:
    return frontmatter.read(text.encode(), folder=folder)


def test_a_header_of_the_standard_is_read() -> None:
    header = read(
        "name: aria-health\ndescription: >\n  Checks whether machines\n  are well.\nlicense: MIT\n"
        "compatibility: Needs curl\nallowed-tools: Bash(git log:*) Read\nmetadata:\n  tags: Health, On call, health\n"
        '  version: "1.10"\n'
    )
    assert header == Header(
        name="aria-health",
        description="Checks whether machines are well.",
        tags=("health", "on-call"),
        version="1.10",
        license="MIT",
        compatibility="Needs curl",
        allowed_tools=("Bash(git log:*)", "Read"),
    )


def test_openclaws_dialect_is_read_and_its_own_keys_are_passed_over() -> None:
    header = read(
        "name: aria-health\ndescription: Checks: is it well? Use when it's slow\nhomepage: https://a.example\n"
        "user-invocable: true\ndisable-model-invocation: true\ntags: [health, uptime]\nmetadata:\n  {\n"
        '    "openclaw": { "emoji": "x", "requires": { "bins": ["curl"] }, },\n  }\n'
    )
    assert header.description == "Checks: is it well? Use when it's slow"
    assert header.tags == ("health", "uptime")
    assert not header.is_offered


def test_of_a_list_that_is_written_without_end_only_the_beginning_is_read() -> None:
    header = read(f"name: aria-health\ndescription: d\nallowed-tools: Bash(git log:*) ({' a' * 7_000}\n")
    assert header.allowed_tools[0] == "Bash(git log:*)"
    assert sum(map(len, header.allowed_tools)) < 2_000


def test_a_word_that_yaml_takes_for_something_else_stays_a_word() -> None:
    assert read("name: aria-health\ndescription: no\ntags: [1.10, off, 2026-01-01]\n").tags == (
        "1.10",
        "off",
        "2026-01-01",
    )


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("", "no list of keys"),
        ("- name", "no list of keys"),
        ("name: aria-health", "no description"),
        ("name: aria-health\ndescription: '  '", "no description"),
        ("description: d", "its name is not made of"),
        ("name: Aria-Health\ndescription: d", "its name is not made of"),
        ("name: aria--health\ndescription: d", "its name is not made of"),
        ("name: -aria\ndescription: d", "its name is not made of"),
        (f"name: {'a' * 65}\ndescription: d", "65 characters"),
        ("name: aria-database\ndescription: d", "its folder is called otherwise"),
        ("name: [aria-health]\ndescription: d", "its name is no text"),
        (f"name: aria-health\ndescription: {'d' * 1025}", "1,025 characters"),
        (f"name: aria-health\ndescription: d\ncompatibility: {'d' * 501}", "501 characters"),
        ("name: aria-health\nname: aria-health\ndescription: d", "says 'name' twice"),
        ("name: &a aria-health\ndescription: *a", "an anchor or an alias"),
        ("name: !!str aria-health\ndescription: d", "uses a tag"),
        ("name: !!python/object/apply:os.system ['id']\ndescription: d", "uses a tag"),
        ("? [a]\n: b", "a key that is no word"),
        ("a: 1\n--- \nb: 2", "more than one document"),
        ("name: aria-health\ndescription: d\nmetadata: {", "no YAML"),
        ("\tname: aria-health", "no YAML"),
        ("name: \x00", "no YAML"),
        ("a: " + "[" * 5_000, "nests deeper than 8"),
        ("a: [" + "b," * 600 + "]", "more than 500 values"),
    ],
)
def test_a_broken_header_says_why(header: str, why: str) -> None:
    with pytest.raises(BadHeader, match=why):
        read(header)


def test_a_header_is_what_stands_between_two_lines_of_hyphens() -> None:
    for raw in (b"---\na: 1\n---\nbody", b"\xef\xbb\xbf---  \r\na: 1\r\n---\r\nbody"):
        header, place = frontmatter.cut(raw)
        assert (header.strip(), raw[place:]) == (b"a: 1", b"body")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "does not begin"),
        (b"# A title\n---\n", "does not begin"),
        (b"---\nname: a\n", "has no end"),
        (b"---\n" + b"a: 1\n" * 10_000 + b"---\n", "has no end"),
    ],
)
def test_a_header_that_does_not_begin_or_end_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(BadHeader, match=why):
        frontmatter.cut(raw)


@given(st.one_of(st.binary(max_size=300), st.text("-:[]{}&*!#|>'\" \n\tabc?,", max_size=200).map(str.encode)))
def test_whatever_a_header_holds_it_is_read_or_refused(header: bytes) -> None:
    with suppress(BadHeader):
        assert frontmatter.read(header, folder="a").name == "a"


@pytest.mark.parametrize("folder", sorted(CATALOGUE.iterdir()), ids=lambda path: path.name)
def test_a_skill_of_the_catalogue_keeps_to_the_standard_alone(folder: Path) -> None:
    raw = (folder / "SKILL.md").read_bytes()
    header, place = frontmatter.cut(raw)
    assert frontmatter.parse(header).keys() <= {"name", "description", "license", "metadata"}
    said = frontmatter.read(header, folder=folder.name)
    assert said.tags
    assert len(said.description) > 80
    assert raw[place:].count(b"\n") < 500
