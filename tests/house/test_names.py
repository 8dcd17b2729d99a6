"""No grab-bags: a module is named after the one idea that it holds."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from tests.house.tree import files

GRAB_BAGS = {"base", "common", "core", "helper", "helpers", "lib", "misc", "service", "services", "tools"}
GRAB_BAGS |= {"util", "utilities", "utils"}


def grab_bags(paths: list[Path] | list[PurePosixPath]) -> list[str]:
    """The modules, and the packages that hold them, whose name says nothing."""
    return [str(path) for path in paths if GRAB_BAGS & {part.removesuffix(".py").lstrip("_") for part in path.parts}]


def test_no_module_is_a_grab_bag() -> None:
    from_root = [path.relative_to(Path(__file__).parents[2]) for path in files(".py")]
    assert grab_bags(from_root) == []


def test_a_module_or_a_package_named_utils_is_found() -> None:
    samples = [PurePosixPath("telemetry/utils.py"), PurePosixPath("telemetry/services/usage.py")]
    assert len(grab_bags(samples)) == 2
    assert grab_bags([PurePosixPath("telemetry/usage.py")]) == []
