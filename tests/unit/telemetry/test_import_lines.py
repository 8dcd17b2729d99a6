"""Whole lines of growing files, a piece at a time, in bounded memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from telemetry.importer.lines import BLOCK, MAX_LINE, Piece, fingerprint, whole_lines


def pieces(path: Path, offset: int = 0) -> list[Piece]:
    """The pieces of a file."""
    with path.open("rb") as file:
        return list(whole_lines(file, offset))


def written(folder: Path, content: bytes) -> Path:
    """A file with that content."""
    path = folder / "lines.jsonl"
    path.write_bytes(content)
    return path


def test_lines_end_where_the_next_reading_begins(tmp_path: Path) -> None:
    path = written(tmp_path, b'{"a":1}\n{"b":2}\n')
    assert pieces(path) == [Piece([b'{"a":1}', b'{"b":2}'], 16)]
    assert pieces(path, 8) == [Piece([b'{"b":2}'], 16)]
    assert pieces(path, 16) == []


@pytest.mark.parametrize("half", [b'{"b":', b'{"b":"}', b"{", b"12", b'"b"', b'{"b":{}'])
def test_a_half_written_last_line_is_left_for_the_next_time(tmp_path: Path, half: bytes) -> None:
    assert pieces(written(tmp_path, b'{"a":1}\n' + half)) == [Piece([b'{"a":1}'], 8)]


def test_a_last_line_that_is_whole_but_for_its_newline_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, b'{"a":1}\n{"b":2}')
    assert pieces(path)[-1] == Piece([b'{"b":2}'], 15)
    path.write_bytes(path.read_bytes() + b'\n{"c":3}\n')
    assert pieces(path, 15) == [Piece([b"", b'{"c":3}'], 24)]


def test_every_line_is_given_once_wherever_blocks_end(tmp_path: Path) -> None:
    lines = [b"x" * (n * 7_919 % 300_000) for n in range(100)]
    path = written(tmp_path, b"\n".join(lines) + b"\n")
    found = pieces(path)
    assert path.stat().st_size > 3 * BLOCK
    assert len(found) > 3
    assert [line for piece in found for line in piece.lines] == lines


def test_reading_on_from_the_end_of_any_piece_gives_the_rest(tmp_path: Path) -> None:
    path = written(tmp_path, b"".join(b"%d\n" % n * 40 for n in range(100_000)))
    found = pieces(path)
    for place, piece in enumerate(found):
        rest = [line for later in found[place + 1 :] for line in later.lines]
        assert [line for later in pieces(path, piece.end) for line in later.lines] == rest


def test_a_line_of_a_hundred_megabytes_is_passed_over_in_bounded_memory(tmp_path: Path) -> None:
    path = written(tmp_path, b'{"a":1}\n')
    with path.open("r+b") as file:
        file.truncate(100 * 2**20)
        file.seek(0, 2)
        file.write(b'\n{"b":2}\n')
    tracemalloc.start()
    found = pieces(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [line for piece in found for line in piece.lines] == [b'{"a":1}', b'{"b":2}']
    assert sum(piece.too_long for piece in found) == 1
    assert found[-1].end == path.stat().st_size
    assert peak < 3 * (MAX_LINE + BLOCK)


def test_a_line_that_is_too_long_and_not_ended_is_left_for_the_next_time(tmp_path: Path) -> None:
    path = written(tmp_path, b'{"a":1}\n')
    with path.open("r+b") as file:
        file.truncate(MAX_LINE + 2 * BLOCK)
    assert pieces(path)[-1].end == 8


def test_a_fingerprint_is_the_same_while_a_file_grows_and_another_when_it_is_written_anew(tmp_path: Path) -> None:
    path = written(tmp_path, b"a" * 5_000)
    with path.open("rb") as file:
        before = fingerprint(file, 5_000)
        path.write_bytes(b"a" * 5_000 + b"more")
        assert fingerprint(file, 5_000) == before
        path.write_bytes(b"b" + b"a" * 4_999)
        assert fingerprint(file, 5_000) != before
        path.write_bytes(b"a" * 4_999 + b"b")
        assert fingerprint(file, 5_000) != before
