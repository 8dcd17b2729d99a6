"""Tokens before they are spent: counted or estimated, and receipts that are kept, by several writers at once too."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connections

from telemetry.database import connection
from telemetry.models import Project
from telemetry.outlook import tokens
from telemetry.outlook.ratios import DECAY

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TEXTS = ["Read the report, then say what it leaves out. " * 12, "def total(rows):\n    return sum(rows)\n" * 10]
CLAUDE = "claude-opus-4-5"


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-5-codex", "o200k_base"),
        ("openai/GPT-4o-mini", "o200k_base"),
        ("gpt-oss-20b", "o200k_base"),
        ("gpt-4-turbo", "cl100k_base"),
        (CLAUDE, None),
        ("gemini-3-pro", None),
        ("text-davinci-003", None),
        ("", None),
    ],
)
def test_a_model_is_counted_where_its_tokenizer_is_public_and_here(model: str, encoding: str | None) -> None:
    assert tokens.encoding_of(model) == encoding


def test_a_public_tokenizer_counts_and_another_model_is_estimated_from_it(project: Project) -> None:
    exact = tokens.count(connection(), project_id=project.pk, model="gpt-5", texts=TEXTS)
    assert (exact.how, exact.low, exact.high, exact.receipts) == ("counted", exact.tokens, exact.tokens, 0)
    guess = tokens.count(connection(), project_id=project.pk, model=CLAUDE, texts=TEXTS)
    assert (guess.how, guess.encoding, guess.tokens) == ("estimated", "o200k_base", round(exact.tokens * 1.12))
    assert guess.low < guess.tokens < guess.high


def test_receipts_teach_their_own_project_and_model_alone(project: Project) -> None:
    other = Project.objects.create(slug=f"{project.slug}-other")
    ours = tokens.count(connection(), project_id=project.pk, model="gpt-5", texts=TEXTS).tokens
    for _ in range(30):
        assert tokens.learn(
            connection(), project_id=project.pk, model=CLAUDE, texts=TEXTS, said=round(ours * 1.5), now=NOON
        )
    learnt = tokens.count(connection(), project_id=project.pk, model=CLAUDE, texts=TEXTS)
    assert learnt.receipts == 30
    assert learnt.tokens == pytest.approx(ours * 1.5, rel=0.02)
    for asked, model in ((other, CLAUDE), (project, "claude-sonnet-4-5")):
        assert tokens.count(connection(), project_id=asked.pk, model=model, texts=TEXTS).receipts == 0


def test_a_counted_model_a_short_text_and_another_text_teach_nothing(project: Project) -> None:
    for model, texts, said in (("gpt-5", TEXTS, 500), (CLAUDE, ["Hello."], 12), (CLAUDE, TEXTS, 900_000)):
        assert not tokens.learn(connection(), project_id=project.pk, model=model, texts=texts, said=said, now=NOON)
    assert tokens.token_ratio(connection(), project_id=project.pk, model=CLAUDE).receipts == 0


def test_the_mean_and_the_squares_are_those_of_weights_that_decay(project: Project) -> None:
    logs = [0.1, 0.3, -0.2, 0.25]
    for log in logs:
        tokens.learn_ratio(connection(), project_id=project.pk, model=CLAUDE, log=log, now=NOON)
    weights = [DECAY ** (len(logs) - 1 - n) for n in range(len(logs))]
    mean = math.fsum(w * log for w, log in zip(weights, logs, strict=True)) / math.fsum(weights)
    known = tokens.token_ratio(connection(), project_id=project.pk, model=CLAUDE)
    assert known.weight == pytest.approx(sum(weights))
    assert known.mean_log == pytest.approx(mean)
    squares = math.fsum(w * (log - mean) ** 2 for w, log in zip(weights, logs, strict=True))
    assert known.m2_log == pytest.approx(squares)


def test_of_receipts_that_come_at_once_none_is_lost(project: Project) -> None:
    def teach(_: int) -> None:
        try:
            for _ in range(5):
                tokens.learn_ratio(connection(), project_id=project.pk, model=CLAUDE, log=0.2, now=NOON)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(teach, range(4)))
    known = tokens.token_ratio(connection(), project_id=project.pk, model=CLAUDE)
    assert known.receipts == 20
    assert known.weight == pytest.approx((1 - DECAY**20) / (1 - DECAY))
