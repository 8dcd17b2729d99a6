"""Every address of the site, and what kind of door it is: what the tenant matrix goes through."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["public", "key", "page", "admin"]
ADMIN = "admin/"  # Django's own group of addresses, for staff; each is asked for with B's ids
OPEN_TO_STRANGERS = ("admin/login/", "admin/logout/", "admin/jsi18n/")
LITELLM = {"startTime": 1761307200.0, "prompt_tokens": 1}  # what makes a call one of LiteLLM's as well
MONTH = "from=2025-10-01&to=2025-10-31"


@dataclass(frozen=True, slots=True)
class Route:
    """An address: who may come in, with which scope a key, and the queries and fields that say what is wanted, or the
    JSON that does."""

    kind: Kind
    scope: str = ""
    queries: tuple[str, ...] = ("",)
    fields: dict[str, str] = field(default_factory=dict)
    body: str = ""


PAGE = Route("page", queries=("", "range=all", MONTH, f"{MONTH}&agent={{agent}}&session={{session}}"))
ROUTES = {
    ADMIN: Route("admin", fields={"action": "delete_selected", "post": "yes", "_selected_action": "{pk}"}),
    "api/schema/": Route("public"),
    "api/docs/": Route("public"),
    "healthz": Route("public"),
    "readyz": Route("public"),
    "api/v1/calls/": Route("key", "ingest"),
    "api/v1/executions/": Route("key", "ingest"),
    "api/v1/litellm/": Route("key", "ingest"),
    "api/v1/forecast/": Route("key", "ingest"),
    "api/v1/usage/": Route("key", "read", queries=("", f"{MONTH}&by=agent", f"{MONTH}&by=session&agent={{agent}}")),
    "api/v1/anomalies/": Route("key", "read", queries=("", MONTH, f"{MONTH}&agent={{agent}}&execution={{run}}")),
    "statusline.txt": Route("key", "read", queries=("", "session={session}")),
    "api/v1/budgets/": Route("key", "read"),
    "api/v1/budgets/check/": Route("key", "ingest"),
    "api/v1/budgets/set/": Route("key", "admin", fields={"scope": "agent", "period": "day", "amount": "5"}),
    "api/v1/budgets/settle/": Route("key", "ingest", fields={"reservation": "planted"}),
    "api/v1/tokens/count/": Route("key", "ingest", fields={"model": "claude-planted", "text": "{task}"}),
    "api/v1/handover/": Route(
        "key", "ingest", body='{"protocol": "openai.chat", "request": {"messages": [{"role": "user"}]}}'
    ),
    "api/v1/compress/": Route(
        "key", "gateway", body='{"session": "s", "body": {"messages": [{"role": "user", "content": "planted"}]}}'
    ),
    "api/v1/retrieve/": Route("key", "gateway", fields={"ref": "{session}"}),
    "api/v1/tasks/": Route("key", "gateway", fields={"type": "planted", "prompt": "planted"}),
    "api/v1/tasks/<uuid:errand_id>/": Route("key", "gateway"),
    "api/v1/skills/": Route("key", "read"),
    "api/v1/skills/match/": Route("key", "read", queries=("task=check+the+health", "task={skill}")),
    "api/v1/skills/<str:name>/": Route("key", "read"),
    "api/v1/skills/<str:name>/history/": Route("key", "read"),
    "api/v1/skills/<str:name>/files/<path:file>": Route("key", "read"),
    "api/v1/objectives/": Route("key", "read", queries=("", MONTH, f"{MONTH}&tz=Asia/Tokyo")),
    "api/v1/reports/": Route("key", "read", queries=("", MONTH, f"{MONTH}&kind=daily")),
    "api/v1/reports/<str:period>/": Route("key", "read", queries=("", "format=md", "format=json")),
    "api/v1/export/": Route(
        "key", "read", queries=("", MONTH, f"{MONTH}&what=rollups", f"{MONTH}&format=parquet", "what={agent}&tz={slug}")
    ),
    **{
        f"{prefix}v1/{signal}": Route("key", "ingest")
        for prefix in ("", "otlp/")
        for signal in ("traces", "logs", "metrics")
    },
    "": PAGE,
    "models/": PAGE,
    "routing/": PAGE,
    "models/price/": Route("page", fields={"model": '["", "planted"]', "input_usd": "1", "output_usd": "1"}),
    "executions/": Route(
        "page", queries=("", "range=all", f"{MONTH}&status=done", f"{MONTH}&format=csv&table=executions")
    ),
    "executions/<any:execution_id>/": Route("page"),
    "sessions/": Route("page", queries=("", "range=all&sort=start", f"{MONTH}&format=csv&table=sessions")),
    "sessions/<any:session_id>/": Route("page"),
    "anomalies/": Route(
        "page", queries=("", MONTH, f"{MONTH}&format=csv&table=anomalies", f"{MONTH}&execution={{run}}")
    ),
    "anomalies/judge/": Route("page", fields={"anomaly": '["context_bloat", "{run}", "new"]', "state": "resolved"}),
    "anomalies/decide/": Route("page", fields={"proposal": "{proposal}", "decision": "accept"}),
    "reports/": Route("page", queries=("", "month=2025-10")),
    "trends/": Route(
        "page",
        queries=("", "day=2025-10-24", "day=2025-10-24&agent={agent}", "day=2025-10-24&format=csv&table=changes"),
    ),
    "reports/<str:kind>/<str:period>/": Route("page", queries=("", "format=md", "format=json")),
    "forecasts/": Route(
        "page", queries=("", "range=all", f"{MONTH}&agent={{agent}}", f"{MONTH}&format=csv&table=forecasts")
    ),
    "budgets/change/": Route(
        "page", fields={"scope": "agent", "period": "day", "counts": "gross", "amount": "5", "mode": "warn"}
    ),
    "budgets/": Route("page", queries=("", "format=csv&table=budgets", "format=csv&table=month_end")),
    "skills/": Route("page", queries=("", "range=all", f"{MONTH}&agent={{agent}}", f"{MONTH}&format=csv&table=skills")),
    "skills/decide/": Route("page", fields={"counsel": "{counsel}", "decision": "dismiss"}),
    "objectives/": Route("page", queries=("", MONTH, f"{MONTH}&format=csv&table=unattributed")),
    "live/": Route("page", queries=("", "seen=x", "agent={agent}&session={session}")),
    "connect/": Route("page", queries=("", "seen=x")),
    "connect/key/": Route("page"),
    "invoice/": Route(
        "page", queries=("", "check={check}", "format=csv&table=invoices", "check={check}&format=csv&table=days")
    ),
    "invoice/total/": Route(
        "page", fields={"provider": "planted", "from": "2025-10-01", "to": "2025-10-31", "amount": "1"}
    ),
    "invoice/file/": Route("page", fields={"provider": "planted"}),
    "invoice/remove/": Route("page", fields={"check": "{check}"}),
    "arrived/": Route("page"),
    "settings/first-key/": Route("page"),
    "demo/remove/": Route("page"),
    "login/": Route(
        "public", queries=("", "next=/%3Fproject={slug}"), fields={"username": "somebody", "password": "x"}
    ),
    "logout/": Route("public"),
    "settings/theme/": Route("public", fields={"theme": "dark", "next": "/"}),
}

REPORTED = {"kind": "daily", "period": "2025-10-24"}  # each has a report of it
# Parts of addresses, and what of B is asked for there.
PLACES = {
    "<any:execution_id>": "run",
    "<any:session_id>": "session",
    "<str:kind>": "kind",
    "<str:period>": "period",
    "<uuid:errand_id>": "errand",
    "<str:name>": "skill",
    "<path:file>": "file",
}
