"""Run the short benchmarks and rewrite the table of docs/performance.md between its two marks."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

from benchmarks.harness import ROOT

SHORT = ("ingest", "otlp", "pages", "import")
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures: made by `make bench` -->", "<!-- end of figures -->"


def main() -> int:
    """0 where every bar holds."""
    figures = [figure for name in SHORT for figure in run(name)]
    text = PAGE.read_text()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{table(figures)}\n{END}{after}")
    return 0 if all(figure["holds"] for figure in figures) else 1


def run(name: str) -> list[dict[str, Any]]:
    """The figures that one benchmark prints."""
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
    sys.stdout.write(done.stdout)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"bench"')]


def table(figures: list[dict[str, Any]]) -> str:
    """The figures as Markdown, with machine and date."""
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    rows = [
        f"| {figure['bench']} | {figure['ratio']} | {_bar(figure)} | {json.dumps(figure['detail'])} |"
        for figure in figures
    ]
    head = f"Measured on {datetime.now(UTC):%Y-%m-%d}: {machine}."
    return "\n".join([head, "", "| figure | ratio | bar | holds | detail |", "|---|---|---|---|---|", *rows])


def _bar(figure: dict[str, Any]) -> str:
    """The bar, and whether it holds, as two cells."""
    if figure["bar"] is None:
        return "– | –"
    return f"{figure['bar']} | {'yes' if figure['holds'] else '**no**'}"


if __name__ == "__main__":
    sys.exit(main())
