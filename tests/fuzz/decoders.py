"""Every decoder with its seeds and the exceptions it documents, and what must hold of each case.

A case is a number: the same number is the same bytes, whatever ran before it. What a decoder lets out must be what the
ledger can store, so it is priced, ranked and encoded as ingest would.
"""

from __future__ import annotations

import importlib
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from random import Random
from typing import Any

import msgspec

from telemetry.api import records
from telemetry.api.errors import BadBody, TooLarge
from telemetry.contracts import Call, Execution, MeterReading
from telemetry.importer.registry import LOCAL_SOURCES
from telemetry.ledger import executions
from telemetry.ledger.entries import entry_of
from telemetry.ledger.identity import execution_key
from telemetry.ledger.ingest import unbelievable_time
from telemetry.ledger.invoice_csv import BadInvoice, Line, read_invoice
from telemetry.ledger.store import call_row
from telemetry.sources import Reading
from telemetry.sources.otlp import reading, wire
from tests.fuzz import seeds
from tests.fuzz.mutation import Mutate, mutated_csv, mutated_json, mutated_lines, mutated_protobuf

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SLOWEST_S = 1.0
SEED = 3
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*+\\u0000")
Record = Call | Execution | MeterReading | Line
Read = Callable[[bytes, Random], Sequence[Record]]


@dataclass(frozen=True, slots=True)
class Decoder:
    """A decoder under test: `read` takes a body and chance, `refuses` is what it may raise."""

    name: str
    seeds: Sequence[bytes]
    mutate: Mutate
    read: Read
    refuses: tuple[type[Exception], ...] = ()

    def case(self, number: int) -> tuple[bytes, Random]:
        """The bytes of a case, and the chance with which it goes on."""
        chance = Random(f"{SEED} {self.name} {number}")
        return self.mutate(chance.choice(self.seeds), chance), chance


class Found(AssertionError):
    """A case that did what none may do; the text says which, so that it can be run again alone."""


def run(decoder: Decoder, numbers: range) -> Iterator[Sequence[Record]]:
    """Run cases; what each let out. Raises Found."""
    for number in numbers:
        body, chance = decoder.case(number)
        begin = time.thread_time()
        try:
            found = decoder.read(body, chance)
            for record in found:
                check_storable(record)
        except decoder.refuses:
            found = ()
        except Exception as error:
            raise Found(f"{_named(decoder, number, body)}: {type(error).__name__}: {error}") from error
        if time.thread_time() - begin > SLOWEST_S:
            raise Found(f"{_named(decoder, number, body)} took longer than {SLOWEST_S} s")
        yield found


def _named(decoder: Decoder, number: int, body: bytes) -> str:
    return f"seed {SEED}, {decoder.name}, case {number}: {body[:2000]!r}"


def check_storable(record: Record) -> None:
    """What a decoder let out keeps to the contract, or ingest refuses it with a reason."""
    plain = msgspec.json.encode(record)
    if _NUL.search(plain):
        raise AssertionError("a NUL in a text")
    try:
        msgspec.json.decode(plain, type=type(record))
    except msgspec.ValidationError:
        if not isinstance(record, Call) or _row_of(record):
            raise
    if isinstance(record, Line):
        assert -(2**63) <= record.amount_nanousd < 2**63
    elif isinstance(record, Execution):
        if unbelievable_time(record.started_at, NOW):
            return
        execution_key(record)
        total = executions.total_call(record)
        if total is not None:
            _row_of(total)
    elif isinstance(record, Call):
        _row_of(record)


def _row_of(call: Call) -> bytes:
    """The row that ingest would write; empty where it sets the call apart or refuses it."""
    if unbelievable_time(call.started_at, NOW):
        return b""
    try:
        entry = entry_of(call)
    except ValueError:
        return b""
    row = call_row(entry, 1, "fuzz", NOW)
    assert all(-(2**63) <= value < 2**63 for value in row if isinstance(value, int))
    return msgspec.json.encode((*row[:-1], call.attributes))


def _read_otlp(body: bytes, _: Random, *, signal: str, is_json: bool) -> list[Record]:
    heard = {
        "traces": lambda: reading.read_spans(wire.spans(body, is_json=is_json).records),
        "logs": lambda: reading.read_logs(wire.logs(body, is_json=is_json).records),
        "metrics": lambda: reading.read_points(wire.points(body, is_json=is_json).records),
    }[signal]()
    found: list[Record] = []
    for said in heard.values():
        found += [*said.calls, *said.executions, *said.readings]
    return found


def _otlp(signal: str, *, is_json: bool) -> Decoder:
    return Decoder(
        f"otlp {signal} {'json' if is_json else 'protobuf'}",
        seeds.otlp(signal, is_json=is_json),
        mutated_json if is_json else mutated_protobuf,
        partial(_read_otlp, signal=signal, is_json=is_json),
        (wire.BadBody,),
    )


def _read_lines(body: bytes, chance: Random, *, read: Any, name: str) -> list[Record]:
    """A file in two readings, the state of the first having been kept as the bookmark keeps it."""
    lines = body.split(b"\n")
    cut = chance.randrange(len(lines) + 1)
    first: Reading = read(lines[:cut], file_name=name, host="laptop", state={})
    kept = json.dumps(dict(first.state), allow_nan=False)
    assert "\\u0000" not in kept
    second: Reading = read(lines[cut:], file_name=name, host="laptop", state=json.loads(kept))
    json.dumps(dict(second.state), allow_nan=False)
    return [*first.calls, *first.executions, *second.calls, *second.executions]


def _read_document(body: bytes, _: Random, *, read: Any, name: str) -> list[Record]:
    whole: Reading = read(body, file_name=name, host="laptop")
    return [*whole.calls, *whole.executions]


def _read_rows(body: bytes, chance: Random, *, read: Any) -> list[Record]:
    data: Any = (
        chance.choice((body, body.decode("utf-8", "surrogateescape"), None, 7)) if chance.random() < 0.2 else body
    )
    rows = [{"id": f"msg_{n}", "session_id": "s", "root_id": "r" * n, "data": data} for n in range(2)]
    whole: Reading = read(rows, file_name="a.db", host="laptop", state={})
    return [*whole.calls, *whole.executions]


def _local_files() -> Iterator[Decoder]:
    for source in LOCAL_SOURCES:
        given = seeds.FILES[source.name]()
        for reader, how, mutate in (
            ("read", partial(_read_lines, name="session-1.jsonl"), mutated_lines),
            ("read_document", partial(_read_document, name="session-1.json"), mutated_json),
            ("read_rows", _read_rows, mutated_json),
        ):
            read = getattr(source, reader, None)
            if read is not None:
                usable = [seed for seed in given if mutate is mutated_lines or b"\n" not in seed]
                yield Decoder(f"{source.name} {reader}", usable, mutate, partial(how, read=read))


def _read_records(body: bytes, chance: Random, *, kind: Any) -> Sequence[Record]:
    return records.decode(body, kind, lines=chance.random() < 0.2).items


def _webhooks() -> Iterator[Decoder]:
    """LiteLLM's payloads, where that source is installed."""
    if find_spec("telemetry.sources.litellm"):
        read_one = importlib.import_module("telemetry.sources.litellm").read
        read_items: Any = vars(records)["read_items"]
        yield Decoder(
            "litellm",
            seeds.litellm(),
            mutated_json,
            lambda body, _: read_items(body, read_one).items,
            (BadBody, TooLarge),
        )


DECODERS = {
    decoder.name: decoder
    for decoder in (
        *(_otlp(signal, is_json=is_json) for signal in seeds.SIGNALS for is_json in (False, True)),
        *_local_files(),
        Decoder("calls", seeds.calls(), mutated_json, partial(_read_records, kind=Call), (BadBody, TooLarge)),
        Decoder(
            "executions", seeds.executions(), mutated_json, partial(_read_records, kind=Execution), (BadBody, TooLarge)
        ),
        Decoder("invoice csv", seeds.INVOICES, mutated_csv, lambda body, _: read_invoice(body).lines, (BadInvoice,)),
        *_webhooks(),
    )
}


def broken(decoder: Decoder, error: Exception) -> Decoder:
    """The same decoder with a defect: it raises `error` for some of the bodies that it reads."""

    def read(body: bytes, chance: Random) -> Sequence[Record]:
        found = decoder.read(body, chance)
        if found and len(body) % 10 == 0:
            raise error
        return found

    return replace(decoder, read=read)
