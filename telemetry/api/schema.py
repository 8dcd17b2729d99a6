"""What the OpenAPI document says of records: made from the records themselves, so that the two cannot differ."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from telemetry.api.asking import Answer, Question
from telemetry.api.checking import BudgetWritten, Check, Checked, Settlement
from telemetry.contracts import Call, Execution, Receipt
from telemetry.exporter.columns import COLUMNS
from telemetry.exporter.exporting import TABLES, WRITERS
from telemetry.limits.account import Account
from telemetry.limits.windows import Stage
from telemetry.observer.anomalies import ORDERS
from telemetry.observer.narrowing import FILTERS
from telemetry.observer.report.document import Document, Summary
from telemetry.observer.report.periods import KINDS
from telemetry.series.queries import DIMENSIONS

_REFERENCE = "#/components/schemas/{name}"
_SCHEMAS, _COMPONENTS = msgspec.json.schema_components(
    (Call, Execution, Receipt, Document, Summary, Question, Answer, Account, Check, Checked, Settlement, BudgetWritten),
    ref_template=_REFERENCE,
)
for _component in _COMPONENTS.values():
    if not _component["required"]:
        del _component["required"]  # OpenAPI wants at least one name there
_BUCKETS = (
    "calls",
    "input_uncached",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "cache_write_unknown",
    "output",
    "reasoning",
    "unpriced_calls",
)
_SUMS: dict[str, Any] = {
    "type": "object",
    "properties": {name: {"type": "integer"} for name in _BUCKETS}
    | {"cost_usd": {"type": "string", "description": "US dollars as an exact decimal"}},
}
_DAY = OpenApiTypes.DATE
CONTENT_TYPES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
RECEIPT = {200: _SCHEMAS[2], 400: {"type": "object", "description": "an error, or a receipt that stored nothing"}}
_PAYLOAD: dict[str, Any] = {"type": "object", "description": "a StandardLoggingPayload of LiteLLM"}
LITELLM = {
    "application/json": {"oneOf": [_PAYLOAD, {"type": "array", "items": _PAYLOAD, "maxItems": 10_000}]},
    "application/x-ndjson": _PAYLOAD,
}
LITELLM_RECEIPT = {
    **RECEIPT,
    200: {"allOf": [_SCHEMAS[2], {"type": "object", "properties": {"ignored": {"type": "integer"}}}]},
}
USAGE = {
    200: {
        "type": "object",
        "properties": {
            "total": _SUMS,
            "rows": {"type": "array", "items": _SUMS},
            "from": {"type": "string", "format": "date"},
            "to": {"type": "string", "format": "date"},
            "tz": {"type": "string"},
            "fresh_to": {"type": ["string", "null"], "format": "date-time"},
        },
    }
}
USAGE_PARAMETERS = [
    OpenApiParameter("from", _DAY, description="first local day; default 30 days before `to`"),
    OpenApiParameter("to", _DAY, description="last local day, inclusive; default today"),
    OpenApiParameter("tz", str, description="IANA zone that days are cut in; default the project's"),
    OpenApiParameter("by", str, enum=["day", *DIMENSIONS], description="what a row stands for; default model"),
    *(OpenApiParameter(name, str, many=True, description=f"only this {name}; repeatable") for name in DIMENSIONS),
]

ANOMALY_PARAMETERS = [
    *USAGE_PARAMETERS[:3],
    OpenApiParameter("sort", str, enum=[*ORDERS], description="high ones first and then by waste, or newest first"),
    OpenApiParameter("limit", int, description="how many, 1 to 1000; default 100"),
    OpenApiParameter("after", str, description="the `next` of the page before"),
    *(OpenApiParameter(name, str, many=True, description=f"only this {name}; repeatable") for name in FILTERS),
]
_TEXTS = (
    *("execution_id", "detector", "severity", "started_at", "task_id", "task_type", "agent", "model", "session"),
    *("state", "state_by", "note", "found_at"),
)
_ANOMALY: dict[str, Any] = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in _TEXTS}
    | {name: {"type": "integer"} for name in ("tokens", "tokens_wasted")}
    | {
        "state_at": {"type": ["string", "null"], "format": "date-time"},
        "evidence": {"type": "object", "description": "the numbers that the rule compared, by name"},
    },
}
_WASTE = ("anomalies", "runs", "tokens_once", "tokens_overlapping")
ANOMALIES = {
    200: {
        "type": "object",
        "properties": {
            "anomalies": {"type": "array", "items": _ANOMALY},
            "next": {"type": ["string", "null"]},
            "total": {"type": "integer"},
            "waste": {"type": "object", "properties": {name: {"type": "integer"} for name in _WASTE}},
            "from": {"type": "string", "format": "date"},
            "to": {"type": "string", "format": "date"},
            "tz": {"type": "string"},
        },
    }
}

QUESTION = {"application/json": _SCHEMAS[5]}
FORECAST = {200: _SCHEMAS[6]}
CHECK = {"application/json": _SCHEMAS[8]}
CHECKED = {200: _SCHEMAS[9]}
SETTLEMENT = {"application/json": _SCHEMAS[10]}
SETTLED = {200: {"type": "object", "properties": {"settled": {"type": "boolean"}}}}
BUDGET = {"application/json": _SCHEMAS[11]}
_WRITTEN = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "is_enabled": {"type": "boolean"}}
    | {name: {"type": "string"} for name in ("scope", "subject", "period", "counts", "amount", "mode")},
}
BUDGET_WRITTEN = {200: _WRITTEN, 201: _WRITTEN}
OBJECTIVES = {
    200: {
        "allOf": [
            _SCHEMAS[7],
            {
                "type": "object",
                "properties": {
                    "from": {"type": "string", "format": "date"},
                    "to": {"type": "string", "format": "date"},
                    "tz": {"type": "string"},
                },
            },
        ]
    }
}

EXPORT_PARAMETERS = [
    OpenApiParameter("what", str, enum=[*COLUMNS], description="default calls"),
    OpenApiParameter("format", str, enum=[*WRITERS], description="default csv"),
    OpenApiParameter("bucket", str, enum=[*TABLES], description="of rollups; days are those of the project's zone"),
    *USAGE_PARAMETERS[:3],
]
EXPORT = {(200, content_type): OpenApiTypes.BINARY for content_type in CONTENT_TYPES.values()} | {
    503: OpenApiResponse(OpenApiTypes.OBJECT, "another export of the project runs; ask again after Retry-After")
}
_DATE_OR_NONE = {"type": ["string", "null"], "format": "date"}
_PROJECTED: dict[str, Any] = {
    "type": ["object", "null"],
    "description": "of the whole period, in the budget's unit: eight of ten times from `low` to `high`",
    "properties": {name: {"type": "string"} for name in ("low", "middle", "high")},
}
_STANDING: dict[str, Any] = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("scope", "subject", "period", "counts", "mode")}
    | {name: {"type": "string", "description": "tokens or US dollars, exactly"} for name in ("limit", "used")}
    | {name: {"type": "string", "format": "date"} for name in ("first_day", "last_day")}
    | {
        "id": {"type": "integer"},
        "is_shared": {"type": "boolean", "description": "for every project, not written for this one"},
        "stage": {
            "type": "string",
            "enum": [*get_args(Stage)],
            "description": "how full it is now",
        },
        "projected": _PROJECTED,
        "used_up": {
            "type": ["object", "null"],
            "description": "the day: one of ten times by `earliest`, half of the time by `likely`",
            "properties": dict.fromkeys(("earliest", "likely", "latest"), _DATE_OR_NONE)
            | {"probability": {"type": "number", "description": "that it is within the period"}},
        },
        "unpriced_calls": {"type": "integer"},
        "fired": {
            "type": ["object", "null"],
            "description": "in how many of the last days, weeks, months, sessions or runs more was used",
            "properties": {name: {"type": "integer"} for name in ("over", "spans")},
        },
        "spans": {
            "type": ["object", "null"],
            "description": "of budgets of runs and sessions: those of the last 30 days",
            "properties": {name: {"type": "integer"} for name in ("count", "over")}
            | {
                "running": {"type": ["string", "null"], "description": "the fullest session that goes on"},
                "running_used": {"type": ["string", "null"]},
                "running_used_up_at": {"type": ["string", "null"], "format": "date-time"},
            },
        },
    },
}
_UNSETTLED: dict[str, Any] = {
    "type": "object",
    "description": "a reservation that expired, and what it is charged with in tokens or US dollars",
    "properties": {name: {"type": "string"} for name in ("reservation", "created_at", "until")}
    | {
        "budgets": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"id": {"type": "integer"}}
                | {name: {"type": "string"} for name in ("scope", "subject", "counts", "charged")},
            },
        }
    },
}
BUDGETS = {
    200: {
        "type": "object",
        "properties": {
            "budgets": {"type": "array", "items": _STANDING},
            "month": {
                "type": "object",
                "properties": {"used_usd": {"type": "string"}, "projected": _PROJECTED}
                | {name: {"type": "string", "format": "date"} for name in ("first_day", "last_day")}
                | {"unpriced_calls": {"type": "integer"}},
            },
            "unsettled": {"type": "array", "items": _UNSETTLED},
            "today": {"type": "string", "format": "date"},
            "tz": {"type": "string"},
        },
    }
}
TOKEN_COUNT_BODY = {
    "application/json": {
        "type": "object",
        "required": ["model", "text"],
        "properties": {
            "model": {"type": "string", "maxLength": 200},
            "text": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
            "input_tokens": {"type": "integer", "description": "what the provider said, where these were sent already"},
        },
    }
}
TOKEN_COUNT = {
    200: {
        "type": "object",
        "properties": {name: {"type": "integer"} for name in ("tokens", "low", "high", "receipts")}
        | {
            "model": {"type": "string"},
            "how": {"type": "string", "enum": ["counted", "estimated"]},
            "encoding": {"type": "string", "description": "what was counted with"},
            "learned": {"type": "boolean", "description": "whether `input_tokens` taught anything"},
        },
    },
    413: OpenApiResponse(OpenApiTypes.OBJECT, "more than 1,048,576 characters"),
}
REPORT_PARAMETERS = [
    OpenApiParameter("period", str, OpenApiParameter.PATH, description="2025-11-06, 2025-W45 or 2025-11"),
    OpenApiParameter("format", str, enum=["json", "md"], description="default json"),
]
REPORT = {
    (200, "application/json"): _SCHEMAS[3],
    (200, "text/markdown"): OpenApiTypes.STR,
    404: OpenApiResponse(OpenApiTypes.OBJECT, "there is none, and why"),
}
REPORTS_PARAMETERS = [
    *USAGE_PARAMETERS[:3],
    OpenApiParameter("kind", str, enum=[*KINDS], description="only these; default all three"),
]
REPORTS = {
    200: {
        "type": "object",
        "properties": {
            "reports": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "period": {"type": "string"},
                        "kind": {"type": "string", "enum": [*KINDS]},
                        "first_day": {"type": "string", "format": "date"},
                        "last_day": {"type": "string", "format": "date"},
                        "made_at": {"type": "string", "format": "date-time"},
                        "is_whole": {"type": "boolean"},
                        "summary": _SCHEMAS[4],
                    },
                },
            }
        },
    }
}


def one_or_many(place: int) -> dict[str, Any]:
    """The request body of a records address: one record, an array of them, or a record a line."""
    one = _SCHEMAS[place]
    return {
        "application/json": {"oneOf": [one, {"type": "array", "items": one, "maxItems": 10_000}]},
        "application/x-ndjson": one,
    }


CALLS, EXECUTIONS = one_or_many(0), one_or_many(1)
OTLP = {"application/x-protobuf": OpenApiTypes.BINARY, "application/json": OpenApiTypes.OBJECT}
OTLP_ANSWER = {200: OpenApiResponse(OpenApiTypes.OBJECT, "stored; `partialSuccess` counts what was refused, and why")}


def add_components(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """drf-spectacular's hook: put the records among the document's components."""
    result.setdefault("components", {}).setdefault("schemas", {}).update(_COMPONENTS)
    return result
