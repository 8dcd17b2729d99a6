"""Static files are collected once, compressed, under names that change with their content."""

from __future__ import annotations

import json
from pathlib import Path

import brotli
import pytest
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from pytest_django.fixtures import Settings

from tloi_site import assets


@pytest.fixture
def ours(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Our own static files: only those of the test."""
    folder = tmp_path / "ours"
    folder.mkdir()
    monkeypatch.setattr(assets, "OURS", folder)
    settings.STATIC_ROOT = tmp_path / "collected"
    settings.STATICFILES_DIRS = [folder]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    return folder


def collected(tmp_path: Path) -> dict[str, str]:
    """Names with a hash by plain names."""
    names: dict[str, str] = json.loads((tmp_path / "collected" / "staticfiles.json").read_text())["paths"]
    return names


def test_a_file_is_kept_under_a_hashed_name_and_compressed(ours: Path, tmp_path: Path) -> None:
    (ours / "page.css").write_text("p { color: red }\n" * 200)
    assert assets.collect()
    name = collected(tmp_path)["page.css"]
    assert name != "page.css"
    assert not (tmp_path / "collected" / "page.css").exists()
    packed = (tmp_path / "collected" / f"{name}.br").read_bytes()
    assert brotli.decompress(packed) == (ours / "page.css").read_bytes()
    assert (tmp_path / "collected" / f"{name}.gz").exists()
    assert staticfiles_storage.url("page.css") == f"/static/{name}"


def test_nothing_is_collected_twice(ours: Path) -> None:
    (ours / "page.css").write_text("p { color: red }")
    assert assets.collect()
    assert not assets.collect()
    (ours / "page.css").write_text("p { color: blue }")
    assert assets.collect()


def test_old_files_are_removed_from_a_folder_that_is_ours_alone(ours: Path, tmp_path: Path) -> None:
    (tmp_path / "collected").mkdir()
    (tmp_path / "collected" / "theirs.txt").write_text("somebody else's")
    (ours / "page.css").write_text("p { color: red }")
    assets.collect()
    assert (tmp_path / "collected" / "theirs.txt").exists()
    old = collected(tmp_path)["page.css"]
    (ours / "page.css").write_text("p { color: blue }")
    assets.collect()
    assert not (tmp_path / "collected" / old).exists()


def test_a_file_of_ours_that_points_at_nothing_is_an_error(ours: Path) -> None:
    (ours / "page.css").write_text("p { background: url(gone.png) }")
    with pytest.raises(ValueError, match=r"gone\.png"):
        assets.collect()


def test_a_package_may_point_at_a_file_that_it_does_not_bring(
    ours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ours / "package.js").write_text("run()\n//# sourceMappingURL=package.js.map\n")
    monkeypatch.setattr(assets, "OURS", tmp_path / "other")
    assets.collect()
    assert "package.js" in collected(tmp_path)


def test_what_no_page_asks_for_is_left_out(static_files: None) -> None:
    names = json.loads((Path(settings.STATIC_ROOT) / "staticfiles.json").read_text())["paths"]
    assert {"plotly/plotly.min.js", "django_htmx/htmx-2.min.js"} <= set(names)
    assert "drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js" in names
    assert [name for name in names if name.endswith(".map") or "widgetbundle" in name or "redoc" in name] == []
