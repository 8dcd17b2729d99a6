"""What counting a megabyte of text takes beside tiktoken itself, what a table costs, and how far estimates are off.

Bars: `tokens-<encoding>` ≤ 1.2 times `len(encode_ordinary(text))` of the encoding that tiktoken makes of the same
table, in turns in one process; the two numbers of tokens are equal. Anchor: the counting is tiktoken's own, so all
above 1 is ours. The text is this project's sources and documents, cut at a million bytes.

`tokens-table-mb` is by how much the memory of a new process (RSS, Linux only) is higher once it has counted with an
encoding, `seconds` of detail how long that first count took; no bar. `tokens-estimate` is simulated, for no provider's
texts are here with its receipts: a provider counts 1.3 times as many as we do, each text for itself with a spread of
12 % (seed 11). The ratio is the share of 2,000 later texts that lie outside of the range after 30 receipts, of which
one in ten should; bar ≤ 0.15. The detail has the median error with none, 3 and 30 receipts.
"""

from __future__ import annotations

import hashlib
import lzma
import math
import multiprocessing
import os
import statistics
import tempfile
import time
from pathlib import Path
from random import Random
from typing import get_args

import tiktoken

from benchmarks import harness
from telemetry.outlook import encoding, ratios

SIZE, ROUNDS = 1_000_000, 9
ADDRESS = "https://openaipublic.blob.core.windows.net/encodings/{name}.tiktoken"
TABLES = Path(encoding.__file__).parent / "ranks"


def main() -> None:
    """Five JSON lines."""
    text = project_text()
    with tempfile.TemporaryDirectory(prefix="tloi-tables-") as folder:
        os.environ["TIKTOKEN_CACHE_DIR"] = folder
        for name in get_args(encoding.Name):
            compare(name, text, Path(folder))
    for name in get_args(encoding.Name):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            megabytes, seconds = pool.apply(first_count, (name,))
        harness.report("tokens-table-mb", megabytes, encoding=name, seconds=round(seconds, 2))
    estimates()


def project_text() -> str:
    """A megabyte of what people and machines write: code, tests, prose."""
    kinds = ("telemetry/**/*.py", "tests/**/*.py", "telemetry/**/*.sql", "docs/*.md")
    found = sorted(path for kind in kinds for path in harness.ROOT.glob(kind))
    Random(3).shuffle(found)
    text = "\n".join(path.read_text("utf-8") for path in found)
    return text.encode()[:SIZE].decode("utf-8", "ignore")


def compare(name: encoding.Name, text: str, folder: Path) -> None:
    """Count in turns with ours and with what tiktoken makes of the table itself."""
    table = lzma.decompress((TABLES / f"{name}.tiktoken.xz").read_bytes())
    (folder / hashlib.sha1(ADDRESS.format(name=name).encode(), usedforsecurity=False).hexdigest()).write_bytes(table)
    own = tiktoken.get_encoding(name)
    assert encoding.count(text, name) == encoding.Counted(len(own.encode_ordinary(text)))
    ours, theirs = harness.in_turns(
        ROUNDS,
        lambda _: timed(lambda: encoding.count(text, name)),
        lambda _: timed(lambda: len(own.encode_ordinary(text))),
    )
    harness.report(
        f"tokens-{name.partition('_')[0]}",
        harness.median_ratio(ours, theirs),
        at_most=1.2,
        bytes=len(text.encode()),
        tokens=encoding.count(text, name).tokens,
        ms=round(1000 * statistics.median(ours)),
    )


def timed(work: object) -> float:
    """How long something takes, in seconds."""
    assert callable(work)
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def first_count(name: encoding.Name) -> tuple[float, float]:
    """By how many megabytes this process grows with its first count, and how long that takes."""
    before = rss_mb()
    seconds = timed(lambda: encoding.count("first", name))
    return rss_mb() - before, seconds


def rss_mb() -> float:
    """The memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def estimates() -> None:
    """How far estimates are off, and how often outside of their range, of a provider that is made up."""
    draw = Random(11)
    counted, truth = 2_000, math.log(1.3)
    errors: dict[int, list[float]] = {0: [], 3: [], 30: []}
    outside = 0
    for _ in range(2_000):
        known = ratios.Ratio()
        for receipts in range(31):
            said = counted * math.exp(draw.gauss(truth, 0.12))
            if receipts in errors:
                guess = ratios.estimate(counted, model="made-up", known=known)
                errors[receipts].append(abs(guess.tokens - said) / said)
                outside += receipts == 30 and not guess.low <= said <= guess.high
            known = taught(known, math.log(said / counted))
    median = {f"error_{receipts}": round(statistics.median(found), 3) for receipts, found in errors.items()}
    harness.report("tokens-estimate", outside / 2_000, at_most=0.15, **median)


def taught(known: ratios.Ratio, log: float) -> ratios.Ratio:
    """What learn_ratio.sql leaves."""
    before = known.weight * ratios.DECAY
    apart = log - known.mean_log
    return ratios.Ratio(
        before + 1,
        known.mean_log + apart / (before + 1),
        ratios.DECAY * (known.m2_log + known.weight * apart**2 / (before + 1)),
        known.receipts + 1,
    )


if __name__ == "__main__":
    main()
