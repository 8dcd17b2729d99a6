"""Tokens counted as tiktoken counts them, from tables of our own package and with no network at all."""

from __future__ import annotations

import hashlib
import lzma
import random
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.outlook import encoding

NAMES = get_args(encoding.Name)
# Under the digest of which tiktoken keeps a table.
ADDRESS = "https://openaipublic.blob.core.windows.net/encodings/{name}.tiktoken"
TABLES = Path(encoding.__file__).parent / "ranks"
WORDS = st.lists(st.sampled_from(["don't ", "  ", "\r\n", "x = 1\n"])).map("".join)
TEXT = st.text() | st.text("aA1 \n\t'é漢🙂.!/<|>s") | WORDS


@pytest.fixture(scope="module")
def tiktokens_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tiktoken.Encoding]]:
    """The encodings as tiktoken makes them itself, of tables whose digest it checks, while nothing can connect."""

    def refuse(*_: object) -> None:
        raise AssertionError("something asks the network")

    folder = tmp_path_factory.mktemp("tables")
    for name in NAMES:
        table = lzma.decompress((TABLES / f"{name}.tiktoken.xz").read_bytes())
        (folder / hashlib.sha1(ADDRESS.format(name=name).encode()).hexdigest()).write_bytes(table)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", str(folder))
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        yield {name: tiktoken.get_encoding(name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(text=TEXT)
def test_a_count_is_tiktoken_s_own_with_no_network(
    tiktokens_own: dict[str, tiktoken.Encoding], name: encoding.Name, text: str
) -> None:
    counted = encoding.count(text, name)
    assert counted == encoding.Counted(len(tiktokens_own[name].encode(text, disallowed_special=())))


@pytest.mark.parametrize("name", NAMES)
def test_a_long_text_of_many_kinds_is_counted_exactly(
    tiktokens_own: dict[str, tiktoken.Encoding], name: encoding.Name
) -> None:
    source = Path(encoding.__file__).read_text("utf-8")
    pieces = ["schön ", "漢字かな", "  \n", "12345", "🙂", "=>", "İstanbul ", source[:300]]
    text = "".join(random.Random(5).choices(pieces, k=500))
    assert encoding.count(text, name).tokens == len(tiktokens_own[name].encode_ordinary(text))


@pytest.mark.parametrize("name", NAMES)
def test_whitespace_up_to_two_blocks_is_exact_and_more_is_counted_all_the_same(
    tiktokens_own: dict[str, tiktoken.Encoding], name: encoding.Name
) -> None:
    short = f"a{' ' * 19_999}b{' ' * 19_999}c"
    assert encoding.count(short, name) == encoding.Counted(len(tiktokens_own[name].encode_ordinary(short)))
    long = f"{' ' * 60_000}c"
    counted = encoding.count(long, name)
    assert not counted.is_exact
    assert counted.tokens == pytest.approx(len(tiktokens_own[name].encode_ordinary(long)), rel=0.01)


def test_whitespace_that_overflows_tiktoken_is_counted(tiktokens_own: dict[str, tiktoken.Encoding]) -> None:
    text = "\t" * 1_200_000
    with pytest.raises(BaseException, match="StackOverflow"):
        tiktokens_own["o200k_base"].encode_ordinary(text)
    assert 30_000 < encoding.count(text, "o200k_base").tokens < 1_200_000


def test_half_of_a_pair_of_surrogates_is_counted_and_nothing_is_not() -> None:
    assert encoding.count("\ud800", "o200k_base").tokens >= 1
    assert encoding.count("", "cl100k_base") == encoding.Counted(0)


def test_a_table_is_read_once_though_many_ask_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def load(name: encoding.Name) -> tiktoken.Encoding:
        made.append(name)
        time.sleep(0.05)
        ranks = {bytes([n]): n for n in range(256)}
        return tiktoken.Encoding("bytes", pat_str=".", mergeable_ranks=ranks, special_tokens={})

    monkeypatch.setattr(encoding, "_loaded", {})
    monkeypatch.setattr(encoding, "_load", load)
    askers = [threading.Thread(target=encoding.count, args=("x", "o200k_base")) for _ in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert made == ["o200k_base"]


def test_a_table_is_given_back_when_nothing_was_counted_for_a_while_and_read_again_when_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(encoding, "_loaded", {})
    monkeypatch.setattr(encoding, "KEPT_S", 0.2)
    first, until = encoding.count("What is kept is paid for.", "o200k_base"), time.monotonic() + 30
    assert list(encoding._loaded) == ["o200k_base"]
    while encoding._loaded and time.monotonic() < until:
        time.sleep(0.02)
    assert not encoding._loaded
    assert encoding.count("What is kept is paid for.", "o200k_base") == first
