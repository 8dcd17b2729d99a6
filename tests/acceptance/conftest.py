"""Acceptance looks through the same Chromium as the browser tests."""

from tests.browser.conftest import chromium, tab

__all__ = ["chromium", "tab"]
