"""What a backup says of itself, and how it differs from what a restored database holds. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """`tables`: name → rows, digest and sums, as `telemetry.facade.contents` counts them; `migrations`: `app.name`.

    `dump_version` is that of the pg_dump that wrote it, as a major version, which an older pg_restore cannot read.
    """

    made_at: datetime
    tloi: str
    postgres: int  # as 180006
    dump_version: int
    dump_bytes: int
    dump_sha256: str
    migrations: tuple[str, ...]
    tables: Mapping[str, Mapping[str, Any]]

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table["rows"] for table in self.tables.values())


def encode(manifest: Manifest) -> bytes:
    """As JSON, which a person can read at the end of the file."""
    said = {"format": FORMAT, **asdict(manifest), "made_at": manifest.made_at.isoformat()}
    return json.dumps(said, indent=1, sort_keys=True).encode()


def decode(text: bytes) -> Manifest:
    """Raises ValueError, for a format of the future too."""
    said = json.loads(text)
    if not isinstance(said, dict) or said.pop("format", None) != FORMAT:
        raise ValueError("its manifest is of another format, so it needs a newer TLOI")
    try:
        made_at, migrations = datetime.fromisoformat(said.pop("made_at")), tuple(said.pop("migrations"))
        return Manifest(made_at=made_at, migrations=migrations, **said)
    except (KeyError, TypeError) as error:
        raise ValueError(f"its manifest cannot be read: {error}") from error


def differences(want: Mapping[str, Mapping[str, Any]], have: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What a database holds otherwise than it should, a line a figure; empty: the same."""
    wrong = [f"table {name} is missing" for name in want.keys() - have.keys()]
    wrong += [f"table {name} is none of the backup's" for name in have.keys() - want.keys()]
    for name in want.keys() & have.keys():
        for what, figure in _figures(want[name]).items():
            if (found := _figures(have[name]).get(what)) != figure:
                wrong.append(f"{what} of {name} is {found}, not {figure}")
    return sorted(wrong)


def _figures(table: Mapping[str, Any]) -> dict[str, int]:
    sums = {f"the sum of {column}": figure for column, figure in table["sums"].items()}
    return {"the number of rows": table["rows"], "the digest": table["digest"], **sums}
