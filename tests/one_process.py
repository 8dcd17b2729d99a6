"""What a process of the site does once, or a person seldom, and tests would do thousands of times at its price."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from whitenoise.base import WhiteNoise

from tloi_site import assets


@pytest.fixture(scope="session", autouse=True)
def _static_files_are_listed_once() -> Iterator[None]:
    """Each new test client makes the middleware anew, and WhiteNoise's looks at every collected file then."""
    known: dict[tuple[str, str, int], dict[str, Any]] = {}
    look = WhiteNoise.update_files_dictionary

    def look_once(self: Any, root: str, prefix: str) -> None:
        stamp = Path(root) / assets.STAMP
        if not stamp.exists():  # not collected yet
            look(self, root, prefix)
            return
        key = (root, prefix, stamp.stat().st_mtime_ns)
        if key not in known:
            look(self, root, prefix)
            known[key] = dict(self.files)
        self.files.update(known[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoise, "update_files_dictionary", look_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def _passwords_are_hashed_quickly() -> Iterator[None]:
    """Django's own way takes a third of a second for each password that is set or tried."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield
