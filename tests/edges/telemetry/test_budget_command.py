"""`tloi budget`, of this machine's database and of a server elsewhere: what it prints, writes, and ends with."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from telemetry.access.keys import create_key
from telemetry.contracts import Call
from telemetry.importer import remote
from telemetry.models import Budget, Project
from tests.page_reading import store

Tloi = Callable[..., tuple[int, str]]
SET = ("--scope", "agent", "--subject", "builder", "--period", "day", "--counts", "gross")


@pytest.fixture(params=["here", "elsewhere"])
def tloi(request: pytest.FixtureRequest, web: str, project: Project, capsys: pytest.CaptureFixture[str]) -> Tloi:
    """The program: its exit code, and what it printed."""
    key = create_key(project, name="all", scopes=["read", "admin"])

    def here(deed: str, *words: str) -> tuple[int, str]:
        out = StringIO()
        try:
            call_command("budget", deed, *words, "--project", project.slug, stdout=out)
        except SystemExit as end:
            return int(str(end.code)), out.getvalue()
        except CommandError as error:
            return 1, str(error)
        return 0, out.getvalue()

    def elsewhere(deed: str, *words: str) -> tuple[int, str]:
        code = remote.main(["budget", deed, *words, "--to", web, "--key", key])
        said = capsys.readouterr()
        return code, said.out + said.err

    return here if request.param == "here" else elsewhere


def used(project: Project, tokens: int, **fields: Any) -> None:
    store(project, [Call(started_at=datetime.now(UTC), model="m", agent="builder", input_uncached=tokens, **fields)])


def test_one_is_written_shown_and_changed(tloi: Tloi, project: Project) -> None:
    code, said = tloi("set", *SET, "--amount", "50,000")
    assert (code, said) == (0, "Written: agent builder, in each day: 50,000 tokens, shadow.\n")
    used(project, 12_500)
    code, said = tloi("list", "--scope", "agent")
    heads, row = said.splitlines()
    assert heads.split() == ["BUDGET", "IN", "EACH", "USED", "OF", "SHARE", "MODE", "STAGE"]
    assert row.split() == ["agent", "builder", "day", "12,500", "50,000", "tokens", "25", "%", "shadow", "ok"]
    tloi("set", *SET, "--amount", "20000", "--mode", "warn")
    assert tloi("set", *SET, "--amount", "10000", "--off")[1].endswith("10,000 tokens, warn, switched off.\n")
    assert tloi("list", "--scope", "agent") == (0, "No budget holds.\n")
    budget = Budget.objects.get(project=project)
    assert (budget.amount, budget.mode, budget.is_enabled) == (Decimal(10_000), "warn", False)


def test_check_ends_with_2_where_one_that_warns_or_is_enforced_is_used_up(tloi: Tloi, project: Project) -> None:
    tloi("set", *SET, "--amount", "1000", "--mode", "warn")
    used(project, 999, session_id="s", session_type="direct_chat")
    assert tloi("check", "--scope", "agent") == (0, "0 of 1 budgets used to 100 % or more.\n")
    code, said = tloi("check", "--scope", "agent", "--at", "99")
    assert code == 2
    assert "agent builder" in said
    assert said.endswith("1 of 1 budgets used to 99 % or more.\n")
    tloi("set", *SET, "--amount", "1000", "--mode", "shadow")
    assert tloi("check", "--scope", "agent", "--at", "99")[0] == 0


def test_of_sessions_the_fullest_that_goes_on_is_checked(tloi: Tloi, project: Project) -> None:
    grown = ("--scope", "session", "--period", "session", "--counts", "gross", "--mode", "enforce")
    tloi("set", *grown, "--amount", "500")
    assert tloi("check", "--scope", "session")[0] == 0
    used(project, 600, session_id="s")
    code, said = tloi("check", "--scope", "session", "--json")
    (one,) = json.loads(said)["over"]
    assert (code, one["spans"]["running"], one["spans"]["running_used"], one["stage"]) == (2, "s", "600", "exceeded")


def test_what_cannot_be_written_is_refused_with_its_reason(tloi: Tloi, project: Project) -> None:
    code, said = tloi("set", "--scope", "session", "--period", "day", "--amount", "5")
    assert code == 1
    assert "period: A session's own budget is for the whole session." in said
    assert not Budget.objects.filter(project=project).exists()


def test_a_key_that_may_not_write_is_told_so(web: str, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    key = create_key(project, name="reader", scopes=["read"])
    assert remote.main(["budget", "set", *SET, "--amount", "5", "--to", web, "--key", key]) == 1
    assert "403 Forbidden" in (said := capsys.readouterr().err)
    assert "lacks the scope 'admin'" in said
