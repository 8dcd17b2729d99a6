"""The data folder and the files in it that only its owner may read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from tloi_site.embedded import CannotStart


def write_private(file: Path, text: str) -> None:
    """Write a file of mode 0600, whole or not at all."""
    half = file.with_name(f"{file.name}.{os.getpid()}")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(text)
    half.replace(file)


def open_data_dir(folder: Path) -> None:
    """Make the data folder, or see that it can be written, with its secret key. Raises CannotStart.

    Closed to others; root leaves it passable, because PostgreSQL runs under another account inside it.
    """
    try:
        if not folder.exists():
            folder.mkdir(parents=True)
            folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
        if (owner := folder.stat().st_uid) != os.geteuid():
            raise CannotStart(
                f"The data folder {folder} belongs to another user (id {owner}), who could not use it any more; run "
                "TLOI as that user, or set TLOI_DATA_DIR."
            )
        (folder / "run").mkdir(mode=0o700, exist_ok=True)
        write_private(folder / "probe", "")
        (folder / "probe").unlink()
        if not (folder / "secret-key").exists():
            write_private(folder / "secret-key", secrets.token_urlsafe(50))
    except OSError as error:
        raise CannotStart(
            f"The data folder {folder} cannot be written ({error.strerror}); set TLOI_DATA_DIR to one that can."
        ) from error
