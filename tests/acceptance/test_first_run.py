"""A newcomer's first minutes: `tloi up` in an empty folder, an import beside it, the truth, and the next morning."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.faults.load import key_of
from tests.faults.site import Site, running

DATA = ROOT.parent / "shared" / "data"
FIRST_START_S, NEXT_START_S = 120.0, 60.0  # for a machine that does much else, too
pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.timeout(240),
]


def total(site: Site) -> dict[str, Any]:
    """What `GET /api/v1/usage/` says of the transcripts' weeks, asked with the key that `up` printed."""
    request = urllib.request.Request(
        f"{site.address}/api/v1/usage/?from=2026-01-01&to=2026-02-28&tz=UTC&by=model",
        headers={"Authorization": f"Bearer {key_of(site)}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        said: dict[str, Any] = json.loads(answer.read())["total"]
        return said


def test_up_import_and_the_next_start_show_the_checked_totals() -> None:
    expected = json.loads((DATA / "expected_totals.json").read_text())["claude_code"]
    began = time.monotonic()
    with running() as site:
        assert time.monotonic() - began < FIRST_START_S
        assert site.is_ready()
        assert total(site)["calls"] == 0
        for new, known in ((925, 0), (0, 925)):
            done = site.run("import", "claude-code", str(DATA / "claude_code"))
            assert done.returncode == 0, done.stderr
            counted = f"925 calls ({new} new, {known} known), 24 files, 0 unreadable lines, 0 quarantined"
            assert counted in done.stdout
            first = total(site)
            assert first["calls"] == expected["responses"]
            assert {name: first[name] for name in expected if name in first} == {
                name: count for name, count in expected.items() if name in first
            }
        site.stop()
        with pytest.raises(urllib.error.URLError):
            total(site)
        began = time.monotonic()
        site.start_again()
        site.wait_until_ready()
        assert time.monotonic() - began < NEXT_START_S
        assert total(site) == first
