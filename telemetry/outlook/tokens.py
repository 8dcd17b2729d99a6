"""Tokens counted before they are spent: exactly where a model's tokenizer is public, else estimated, and it says so.

Only the text is counted. What a provider adds around messages, tools and pictures is in no count, and in an estimate as
far as receipts hold it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg import Connection
from psycopg.rows import class_row

from telemetry.outlook import encoding, ratios
from telemetry.outlook.ratios import DECAY, Ratio
from telemetry.statements import prepared, statement

How = Literal["counted", "estimated"]
_TABLES: dict[str, encoding.Name] = {
    "cl100k_base": "cl100k_base",
    "o200k_base": "o200k_base",
    "o200k_harmony": "o200k_base",  # the same but for special tokens, which plain text has none of
}


@dataclass(frozen=True, slots=True)
class TokenCount:
    """How many tokens texts are for a model. `low` and `high`: between them lie nine of ten estimates; a count is its
    own. `encoding` is what was counted with, `receipts` how many the estimate rests on."""

    tokens: int
    how: How
    low: int
    high: int
    encoding: str
    receipts: int


def count(conn: Connection[Any], *, project_id: int, model: str, texts: Sequence[str]) -> TokenCount:
    """The tokens of texts, each counted by itself. They are estimated, from ours and the project's receipts, where the
    model's tokenizer is not public; and where there is so much whitespace at once that it had to be cut."""
    name = encoding_of(model)
    counted = [encoding.count(text, name or "o200k_base") for text in texts]
    tokens = sum(one.tokens for one in counted)
    if name is None:
        known = token_ratio(conn, project_id=project_id, model=model)
        guess = ratios.estimate(tokens, model=model, known=known)
        return TokenCount(guess.tokens, "estimated", guess.low, guess.high, "o200k_base", known.receipts)
    how: How = "counted" if all(one.is_exact for one in counted) else "estimated"
    return TokenCount(tokens, how, tokens, tokens, name, 0)


def count_text(text: str) -> int:
    """The tokens of a text in o200k_base, whatever model it is for: the measure in which texts are compared."""
    return encoding.count(text, "o200k_base").tokens


def learn(
    conn: Connection[Any], *, project_id: int, model: str, texts: Sequence[str], said: int, now: datetime
) -> bool:
    """Learn from a receipt: of these texts the provider said that they were `said` input tokens. Whether it taught
    anything: one of a model with a public tokenizer, of few tokens or of another text does not."""
    if encoding_of(model) is not None:
        return False
    counted = sum(encoding.count(text, "o200k_base").tokens for text in texts)
    log = ratios.quotient_log(counted, said)
    if log is not None:
        learn_ratio(conn, project_id=project_id, model=model, log=log, now=now)
    return log is not None


def encoding_of(model: str) -> encoding.Name | None:
    """The encoding of a model, whatever route its name begins with: openai/gpt-5; None where none is public, or the
    package has not its table."""
    from tiktoken.model import encoding_name_for_model  # noqa: PLC0415 (only processes that count tokens need it)

    try:
        return _TABLES.get(encoding_name_for_model(model.rpartition("/")[2].lower()))
    except KeyError:
        return None


def token_ratio(conn: Connection[Any], *, project_id: int, model: str) -> Ratio:
    """What a project's receipts of a model have taught; nothing where there are none."""
    asked = {"project": project_id, "model": model}
    found = prepared(conn, class_row(Ratio)).execute(statement(__package__, "token_ratio"), asked).fetchone()
    return found or Ratio()


def learn_ratio(conn: Connection[Any], *, project_id: int, model: str, log: float, now: datetime) -> None:
    """Add a receipt to what is known of a model."""
    told = {"project": project_id, "model": model, "log": log, "decay": DECAY, "now": now}
    conn.execute(statement(__package__, "learn_ratio"), told)
