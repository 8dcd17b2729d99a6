"""No third-party asset lies in the tree, and no page asks another host for one; they come from installed packages."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.house.tree import APPS, ROOT, files

MAX_BYTES = 60_000
KINDS = (".css", ".html", ".js", ".svg", ".txt")
OUR_HOSTS = {"127.0.0.1", "localhost", "www.w3.org"}  # w3.org: names of XML namespaces, which nobody loads
_BANNER = re.compile(r"copyright|licen[cs]e|\(c\) ?\d{4}", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://([\w.-]+)|(?:src|href|action|url|import)\W{1,3}//([\w.-]+)", re.IGNORECASE)


def foreign(path: Path) -> list[str]:
    """What about an asset is not ours: its name, size, kind, banner, or the hosts that it names."""
    if path.suffix not in KINDS:
        return [f"{path}: {path.suffix} is no kind of ours"]
    text = path.read_text("utf-8")
    hosts = {name for pair in _ADDRESS.findall(text) for name in pair if name} - OUR_HOSTS
    found = {
        "is minified": ".min." in path.name,
        f"is larger than {MAX_BYTES} bytes": path.stat().st_size > MAX_BYTES,
        "bears a banner": bool(_BANNER.search(text)),
        f"names {', '.join(sorted(hosts))}": bool(hosts),
    }
    return [f"{path}: {what}" for what, is_so in found.items() if is_so]


def test_every_asset_is_our_own() -> None:
    assets = files("", under=("static", "templates"))
    assert [problem for path in assets for problem in foreign(path)] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("chart.min.js", "draw()"),
        ("chart.js", "x" * (MAX_BYTES + 1)),
        ("chart.js", "/*! (c) 2012 Somebody */"),
        ("chart.js", "// @license MIT"),
        ("page.html", '<script src="https://cdn.example/chart.js"></script>'),
        ("page.html", '<script src="//cdn.example/chart.js"></script>'),
        ("page.css", "@import url(//fonts.example/sans.css)"),
        ("sans.woff2", "font"),
    ],
)
def test_a_foreign_asset_is_found(tmp_path: Path, name: str, text: str) -> None:
    sample = tmp_path / name
    sample.write_text(text)
    assert len(foreign(sample)) == 1


def test_a_namespace_and_an_example_on_this_machine_pass(tmp_path: Path) -> None:
    sample = tmp_path / "icon.svg"
    sample.write_text('<svg xmlns="http://www.w3.org/2000/svg"><!-- http://127.0.0.1:8000/ --></svg>')
    assert foreign(sample) == []


# Data of others that may lie in the tree, with its licence beside it.
RANKS = "telemetry/outlook/ranks"
ALLOWED = {
    f"{RANKS}/LICENSE": "418cb499b436128d653d79941333a5437b7be2ea9213dcc2f04d15d5d2c51d86",
    f"{RANKS}/cl100k_base.tiktoken.xz": "0718e995710ecf212f8f321360354e7230540439f346e0e1620cd6a7ad3ed3f0",
    f"{RANKS}/o200k_base.tiktoken.xz": "525e9ef7ef1926dfc41c2fd03529afc9822289ed48c4ae4927cf061c92dab0e9",
}
OURS = {".py", ".sql", ".typed"}  # what an app's folder consists of
CATALOGUE = Path("skills/catalogue")  # skills that we wrote: text of one kind, and nothing else


def data_of_others(paths: Iterable[Path], root: Path) -> dict[str, str]:
    """The files that are of no kind of ours, with their digests."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if path.suffix not in OURS and not (path.suffix == ".md" and path.is_relative_to(root / CATALOGUE))
    }


def test_nothing_of_others_lies_in_an_app_but_what_is_allowed_unchanged() -> None:
    assert data_of_others(files("", under=APPS), ROOT) == ALLOWED


def test_a_table_of_others_and_one_that_was_changed_are_found(tmp_path: Path) -> None:
    for name in ("module.py", "model.bin", "words.txt"):
        (tmp_path / name).write_text("x")
    found = data_of_others(sorted(tmp_path.iterdir()), tmp_path)
    assert list(found) == ["model.bin", "words.txt"]
    (tmp_path / "model.bin").write_text("y")
    assert data_of_others([tmp_path / "model.bin"], tmp_path)["model.bin"] != found["model.bin"]


def test_of_the_catalogue_only_texts_are_ours(tmp_path: Path) -> None:
    for name in ("SKILL.md", "run.sh"):
        file = tmp_path / CATALOGUE / "aria-health" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    (tmp_path / "skills" / "other.md").write_text("x")
    found = data_of_others(sorted(tmp_path.rglob("*.*")), tmp_path)
    assert [Path(name).name for name in found] == ["run.sh", "other.md"]


def test_there_is_a_tree_of_assets() -> None:
    assert (ROOT / "static").is_dir()
    assert (ROOT / "templates").is_dir()
