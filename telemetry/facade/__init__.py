"""Telemetry's door: the verbs that other apps and the site may call. Nothing but contracts and plain values passes.

A verb takes the connection from `telemetry.database`; edges inside telemetry may call the wings themselves.
"""

from __future__ import annotations

from telemetry.access.keys import BadKey, BadScope, KeyHolder
from telemetry.access.projects import UnknownProject
from telemetry.access.public import is_public, place, port_of, web_parts
from telemetry.access.ratelimit import TooManyRequests
from telemetry.access.sealing import Lost
from telemetry.facade.holders import (
    KeyInfo,
    ProjectInfo,
    admit,
    authenticate,
    create_key,
    ensure_owner,
    ensure_project,
    key_works,
    list_keys,
    list_projects,
    make_login_link,
    revoke_key,
    seal_key,
    sealed_ending,
    unseal_key,
)
from telemetry.facade.notices import alert, send_webhook, webhook_trouble
from telemetry.facade.records import (
    cost_nanousd,
    load_demo,
    record,
    record_skill_loads,
    remove_demo,
    run_endings,
    skill_contents,
    skill_outcomes,
    skill_uses,
    task_runs,
)
from telemetry.facade.upkeep import (
    HEARTBEAT_KEY,
    ExpiryState,
    catch_up_runs,
    check_runs,
    days_kept,
    disks,
    ensure_partitions,
    ensure_price_versions,
    expire_calls,
    expire_reservations,
    expiry_state,
    fold_due,
    forget_ended,
    freeze_closed_days,
    job_trouble,
    nightly_until,
    observe_due,
    partition_horizon,
    replica_trouble,
    work_nightly,
    worker_last_seen,
)
from telemetry.importer import demo
from telemetry.jobs.alone import alone
from telemetry.jobs.queue import Trouble
from telemetry.ledger.contents import PartitionLeaving, TableContents, contents, hold_partitions, is_empty
from telemetry.ledger.removal import NotADemo
from telemetry.limits.curbs import BudgetCurbSums, budget_curbs, note_budget_curbs
from telemetry.limits.holding import (
    BudgetHold,
    BudgetQuestion,
    BudgetSpans,
    HeldProject,
    ask_budgets,
    budget_spans,
    find_budget_spans,
    held_projects,
    hold_budgets,
    recount_budgets,
    settle_budgets,
)
from telemetry.limits.pressure import BudgetPressure, press_budgets
from telemetry.looped import LoopConnection, Question
from telemetry.outlook.tokens import count_text
from telemetry.providers import is_identity
from telemetry.sources.demo import ROSTER
from telemetry.statements import statement

DEMO, DEMO_AGENTS = demo.SLUG, len(ROSTER)

__all__ = [
    "DEMO",
    "DEMO_AGENTS",
    "HEARTBEAT_KEY",
    "BadKey",
    "BadScope",
    "BudgetCurbSums",
    "BudgetHold",
    "BudgetPressure",
    "BudgetQuestion",
    "BudgetSpans",
    "ExpiryState",
    "HeldProject",
    "KeyHolder",
    "KeyInfo",
    "LoopConnection",
    "Lost",
    "NotADemo",
    "PartitionLeaving",
    "ProjectInfo",
    "Question",
    "TableContents",
    "TooManyRequests",
    "Trouble",
    "UnknownProject",
    "admit",
    "alert",
    "alone",
    "ask_budgets",
    "authenticate",
    "budget_curbs",
    "budget_spans",
    "catch_up_runs",
    "check_runs",
    "contents",
    "cost_nanousd",
    "count_text",
    "create_key",
    "days_kept",
    "disks",
    "ensure_owner",
    "ensure_partitions",
    "ensure_price_versions",
    "ensure_project",
    "expire_calls",
    "expire_reservations",
    "expiry_state",
    "find_budget_spans",
    "fold_due",
    "forget_ended",
    "freeze_closed_days",
    "held_projects",
    "hold_budgets",
    "hold_partitions",
    "is_empty",
    "is_identity",
    "is_public",
    "job_trouble",
    "key_works",
    "list_keys",
    "list_projects",
    "load_demo",
    "make_login_link",
    "nightly_until",
    "note_budget_curbs",
    "observe_due",
    "partition_horizon",
    "place",
    "port_of",
    "press_budgets",
    "record",
    "record_skill_loads",
    "recount_budgets",
    "remove_demo",
    "replica_trouble",
    "revoke_key",
    "run_endings",
    "seal_key",
    "sealed_ending",
    "send_webhook",
    "settle_budgets",
    "skill_contents",
    "skill_outcomes",
    "skill_uses",
    "statement",
    "task_runs",
    "unseal_key",
    "web_parts",
    "webhook_trouble",
    "work_nightly",
    "worker_last_seen",
]
