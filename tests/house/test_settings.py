"""Every setting is declared once, in `tloi_site/env.py`, and docs/configuration.md says the same of it; what an agent
may set, docs/sdk.md says."""

from __future__ import annotations

import re
from pathlib import Path

from tests.house.tree import ROOT, files
from tloi_site.env import SETTINGS

UNSET = "unset"
# Not for users: CI's word that a missing browser is a failure, and the disk and the Python of benchmarks' clients.
OURS = {"TLOI_REQUIRE_BROWSER", "TLOI_BENCH_DIR", "TLOI_BENCH_PYTHON"}
# For agents, not for the server: telemetry/client.py reads them.
AGENTS = {"TLOI_URL", "TLOI_API_KEY", "TLOI_SPOOL_DIR"}
_NAME = re.compile(r"\bTLOI_[A-Z][A-Z0-9_]*[A-Z0-9]\b")
_NAMING = (".py", ".yml", ".yaml", ".toml", ".sh", ".md", ".html", "Makefile", "Dockerfile", "run")


def documented(text: str) -> dict[str, tuple[str, str]]:
    """Name → (default, meaning) of the rows `| name | default | meaning | example |` of a Markdown table."""
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in text.splitlines() if "| `" in line]
    return {name.strip("`"): (default.strip("`"), meaning) for name, default, meaning, _example in rows}


def undeclared(paths: list[Path], declared: set[str]) -> list[str]:
    """One line a `TLOI_…` name that is used but not declared."""
    return [
        f"{path}: {name}" for path in paths for name in sorted(set(_NAME.findall(path.read_text("utf-8"))) - declared)
    ]


def test_configuration_md_says_what_is_declared() -> None:
    declared = {setting.name: (setting.default or UNSET, setting.meaning) for setting in SETTINGS}
    assert documented((ROOT / "docs" / "configuration.md").read_text("utf-8")) == declared


def test_sdk_md_says_what_agents_may_set() -> None:
    assert set(documented((ROOT / "docs" / "sdk.md").read_text("utf-8"))) == AGENTS
    assert set(_NAME.findall((ROOT / "telemetry" / "client.py").read_text("utf-8"))) == AGENTS


def test_no_setting_is_used_that_is_not_declared() -> None:
    paths = [path for path in files(*_NAMING) if path != Path(__file__)]
    assert undeclared(paths, {setting.name for setting in SETTINGS} | OURS | AGENTS) == []


def test_an_undeclared_setting_is_found(tmp_path: Path) -> None:
    sample = tmp_path / "compose.yml"
    sample.write_text("TLOI_PORT: 80\nTLOI_COLOUR: red\nTLOI_*: prose\n")
    assert undeclared([sample], {"TLOI_PORT"}) == [f"{sample}: TLOI_COLOUR"]


def test_a_row_that_says_something_else_differs() -> None:
    assert documented("| `TLOI_PORT` | `80` | the port | `8080` |") == {"TLOI_PORT": ("80", "the port")}
    assert documented("| TLOI_PORT | 80 | not a row | 8080 |") == {}
