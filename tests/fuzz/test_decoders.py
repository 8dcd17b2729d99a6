"""Whatever comes, a decoder reads it or refuses it as it documents, soon, in bounded memory, and lets out only what can
be stored. 500 cases a decoder in every run; 100,000 by `make fuzz`.

The mutator is our own: it knows JSON and protobuf, needs no build, and its cases are numbers that can be run again.
"""

from __future__ import annotations

import gc
import os
import tracemalloc
from pathlib import Path
from random import Random

import pytest

from telemetry.contracts import Call, Execution, MeterReading
from telemetry.database import connection
from telemetry.ledger.meters import record_readings
from tests.fuzz.decoders import DECODERS, NOW, Decoder, Found, Record, broken, run
from tests.ledger_reading import new_tenant, send

FEW, MANY = 500, 100_000
MOST_MIB = 32
STORED = 2_000


def resident_mib() -> float:
    """The memory that this process holds; 0 where the system does not say."""
    status = Path("/proc/self/statm")
    gc.collect()
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20 if status.exists() else 0.0


def check(decoder: Decoder, numbers: range) -> None:
    """Run cases; memory grows no more in the second half than a cache may."""
    half = numbers[: len(numbers) // 2]
    some = sum(len(found) > 0 for found in run(decoder, half))
    before = resident_mib()
    some += sum(len(found) > 0 for found in run(decoder, numbers[len(half) :]))
    assert resident_mib() - before < MOST_MIB
    assert some > len(numbers) / 50  # most of what is sent in life is read, so a fuzz of refusals proves little


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_withstands_500_cases(name: str) -> None:
    check(DECODERS[name], range(FEW))


@pytest.mark.fuzz
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_withstands_100_000_cases(name: str) -> None:
    check(DECODERS[name], range(MANY))


@pytest.mark.parametrize("name", DECODERS)
def test_what_decoders_let_out_is_stored_by_the_real_ledger(database: None, name: str) -> None:
    tenant = new_tenant()
    records: list[Record] = [record for found in run(DECODERS[name], range(FEW, FEW + 300)) for record in found]
    calls = [record for record in records if isinstance(record, Call)][:STORED]
    executions = [record for record in records if isinstance(record, Execution)][:STORED]
    readings = [record for record in records if isinstance(record, MeterReading)][:STORED]
    send(tenant, calls, executions=executions, now=NOW)
    record_readings(connection(), project_id=tenant, readings=readings, source="otlp:fuzz", now=NOW)
    assert records


@pytest.mark.parametrize("name", DECODERS)
def test_a_large_body_costs_a_bounded_multiple_of_its_size(name: str) -> None:
    decoder = DECODERS[name]
    seed = max(decoder.seeds, key=len)
    repeats = 2**20 // len(seed)
    body = b"\n".join([seed] * repeats) if b"\n" in seed else seed * repeats
    tracemalloc.start()
    try:
        decoder.read(body, Random(0))
    except decoder.refuses:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 32 * len(body)


@pytest.mark.parametrize("name", DECODERS)
def test_a_case_is_the_same_bytes_whatever_ran_before(name: str) -> None:
    decoder = DECODERS[name]
    first = [decoder.case(number)[0] for number in range(50)]
    assert [decoder.case(number)[0] for number in reversed(range(50))] == first[::-1]
    assert len(set(first)) > 40


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize(
    "error", [KeyError("output"), RecursionError(), OverflowError()], ids=lambda one: type(one).__name__
)
def test_a_decoder_with_a_defect_turns_the_fuzz_red(name: str, error: Exception) -> None:
    with pytest.raises(Found, match=f"seed .* case .*{type(error).__name__}"):
        for _ in run(broken(DECODERS[name], error), range(FEW)):
            pass
