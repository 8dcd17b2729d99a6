"""`tloi budget … --to URL`: asks a server elsewhere for its budgets, and writes them there. Here too are its words and
what it prints, which are the same with a server on this machine. Standard library and msgspec only.

Exit codes of `check`: 0 where every budget has room, 2 where one that warns or is enforced is used up, 1 where nobody
can say.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from telemetry.importer.sending import Away, Refused, Server

OVER = 2
PATHS = {"list": "budgets", "check": "budgets", "set": "budgets/set"}
_SCOPES = ("project", "session_type", "session", "agent", "task_type", "tier", "objective", "key")
_PERIODS = ("run", "session", "day", "week", "month")
_UNITS = {"usd": "US dollars", "gross": "tokens", "weighted": "weighted tokens"}
_HEADS = ("BUDGET", "IN EACH", "USED", "OF", "", "SHARE", "MODE", "STAGE")
_RIGHT = (2, 3, 5)


def add_words(parser: ArgumentParser) -> None:
    """What to do, with which budgets, and where instead of in this machine's database."""
    whom = ArgumentParser(add_help=False)
    whom.add_argument("--scope", choices=_SCOPES, help="only budgets of this")
    whom.add_argument("--subject", metavar="NAME", help="and of this name; of a key its eight letters after tloi_")
    where = ArgumentParser(add_help=False)
    where.add_argument("--json", action="store_true", dest="is_json", help="exact figures for programs")
    where.add_argument("--project", default="default", metavar="SLUG", help="of this machine's database")
    where.add_argument("--to", metavar="URL", help="ask the server at URL instead; also TLOI_URL")
    where.add_argument("--key", metavar="KEY", help="for --to: may `read`, to set `admin`; also TLOI_API_KEY")
    deeds = parser.add_subparsers(dest="deed", required=True, metavar="list|check|set")
    deeds.add_parser("list", parents=[where, whom], help="how budgets stand")
    check = deeds.add_parser("check", parents=[where, whom], help=f"end with {OVER} where one is used up")
    check.add_argument("--at", type=_percent, default=100, metavar="PERCENT", help="used to so much; default 100")
    write = deeds.add_parser("set", parents=[where], help="write a budget, or change the one that there is")
    write.add_argument("--scope", choices=_SCOPES, required=True)
    write.add_argument("--subject", default="", metavar="NAME", help="default: each one by itself")
    write.add_argument("--period", choices=_PERIODS, required=True)
    write.add_argument("--amount", type=_amount, required=True, metavar="NUMBER", help="tokens, or US dollars")
    write.add_argument("--counts", choices=sorted(_UNITS), default="weighted", help="default: weighted tokens")
    write.add_argument("--mode", choices=("shadow", "warn", "enforce"), help="default: as it is; a new one in shadow")
    write.add_argument("--off", action="store_true", help="switch it off")


def wanted(options: Mapping[str, Any]) -> dict[str, Any]:
    """A budget as it is to be written."""
    said = {name: options[name] for name in ("scope", "subject", "period", "counts", "mode")}
    return {**said, "amount": str(options["amount"]), "is_enabled": not options["off"]}


def main(words: Sequence[str], *, url: str, key: str) -> int:
    """`tloi budget` with the words after it, of a server elsewhere; the exit code."""
    parser = ArgumentParser(prog="tloi budget", description="Budgets: how they stand, and writing them.")
    add_words(parser)
    options = vars(parser.parse_args(words))
    try:
        server = Server(url=(options["to"] or url).strip(), key=(options["key"] or key).strip())
        body = wanted(options) if options["deed"] == "set" else None
        said = server.ask(PATHS[options["deed"]], body)
    except (Refused, Away) as error:
        sys.stderr.write(f"tloi: {error}\n")
        return 1
    code, text = answer(said, options)
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode() + "\n")
    return code


def answer(said: Any, options: Mapping[str, Any]) -> tuple[int, str]:
    """The exit code, and what is printed of what the server says."""
    if options["deed"] == "set":
        return 0, json.dumps(said) if options["is_json"] else f"Written: {_written(said)}"
    chosen = [one for one in said["budgets"] if _is_meant(one, options)]
    if options["deed"] == "list":
        return 0, json.dumps({**said, "budgets": chosen}) if options["is_json"] else _listed(chosen)
    over = [one for one in chosen if one["mode"] != "shadow" and share(one) >= options["at"]]
    code = OVER if over else 0
    if options["is_json"]:
        return code, json.dumps({**said, "budgets": chosen, "over": over})
    found = f"{len(over)} of {len(chosen)} budgets used to {options['at']} % or more."
    return code, "\n".join([*table(over), found])


def _listed(budgets: Sequence[Mapping[str, Any]]) -> str:
    return "\n".join(table(budgets)) or "No budget holds."


def share(one: Mapping[str, Any]) -> int:
    """Percent of a budget that are used now: of sessions by the fullest that goes on, of runs nobody knows."""
    used = one["used"] if one["spans"] is None else one["spans"]["running_used"] or "0"
    return int(100 * Decimal(used) / Decimal(one["limit"]))


def table(budgets: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line a budget, below their headings."""
    if not budgets:
        return []
    rows = [_HEADS, *map(_row, budgets)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEADS))]
    return [
        "  ".join(_aligned(place, row[place], widths[place]) for place in range(len(_HEADS))).rstrip() for row in rows
    ]


def _aligned(place: int, cell: str, width: int) -> str:
    return cell.rjust(width) if place in _RIGHT else cell.ljust(width)


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    whose = one["scope"].replace("_", " ")
    name = whose if one["scope"] == "project" else f"{whose} {_line(one['subject']) or '(each)'}"
    used = one["used"] if one["spans"] is None else one["spans"]["running_used"] or "0"
    amounts = (f"{Decimal(amount):,f}" for amount in (used, one["limit"]))
    return (name, one["period"], *amounts, _UNITS[one["counts"]], f"{share(one)} %", one["mode"], one["stage"])


def _written(said: Mapping[str, Any]) -> str:
    whose = f"{said['scope'].replace('_', ' ')} {_line(said['subject'])}".strip()
    off = "" if said["is_enabled"] else ", switched off"
    amount = f"{Decimal(said['amount']):,f} {_UNITS[said['counts']]}"
    return f"{whose}, in each {said['period']}: {amount}, {said['mode']}{off}."


def _is_meant(one: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    scope, subject = options["scope"], options["subject"]
    return (scope is None or one["scope"] == scope) and (subject is None or one["subject"] == subject)


def _line(text: str) -> str:
    """A name on one line, as a terminal may show it."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:60]


def _percent(said: str) -> int:
    number = int(said)
    if not 1 <= number <= 1_000:
        raise ValueError(said)
    return number


def _amount(said: str) -> Decimal:
    try:
        number = Decimal(said.replace(",", "").replace("_", ""))
    except InvalidOperation:
        raise ValueError(said) from None
    if not number.is_finite() or number <= 0:
        raise ValueError(said)
    return number
