"""Telemetry's tables, a file an idea. Models stay home: only contracts pass the app's door."""

from telemetry.models.access import ApiKey, LoginLink, Membership, Project, TokenMeasure
from telemetry.models.alerts import Alert, AlertChannel, AlertDelivery, AlertRule
from telemetry.models.forecasts import Forecast, KeyStat, ResidualPool, RunLearned
from telemetry.models.intake import RejectedReason, SourceSeen
from telemetry.models.invoices import InvoiceLine, InvoiceTotal
from telemetry.models.ledger import Call, Execution, Identity, ImportedFile, MeterPoint, Quarantined, Session
from telemetry.models.limits import Budget
from telemetry.models.objectives import Attribution, KeyResult, KeyResultValue, Objective, WorkItem
from telemetry.models.observing import AllowedWaste, Anomaly, Detector, DetectorRule, Job, Report
from telemetry.models.outlook import RunDay, Trend, TrendDay
from telemetry.models.prices import PriceOverride, PriceRevision, PriceVersion
from telemetry.models.receipts import TokenRatio
from telemetry.models.reserving import BudgetCurb, BudgetLease, BudgetWindow
from telemetry.models.rollups import (
    BriefDay,
    BriefQuarter,
    Day,
    Difference,
    Dirty,
    Minute,
    Quarter,
    RollupState,
    SessionDay,
    SessionQuarter,
    SessionTotal,
)
from telemetry.models.runs import Run, RunMark, RunState
from telemetry.models.skills import SkillInvocation
from telemetry.models.waste import BriefWasteDay, BriefWasteQuarter, WasteDay, WasteQuarter

__all__ = [
    "Alert",
    "AlertChannel",
    "AlertDelivery",
    "AlertRule",
    "AllowedWaste",
    "Anomaly",
    "ApiKey",
    "Attribution",
    "BriefDay",
    "BriefQuarter",
    "BriefWasteDay",
    "BriefWasteQuarter",
    "Budget",
    "BudgetCurb",
    "BudgetLease",
    "BudgetWindow",
    "Call",
    "Day",
    "Detector",
    "DetectorRule",
    "Difference",
    "Dirty",
    "Execution",
    "Forecast",
    "Identity",
    "ImportedFile",
    "InvoiceLine",
    "InvoiceTotal",
    "Job",
    "KeyResult",
    "KeyResultValue",
    "KeyStat",
    "LoginLink",
    "Membership",
    "MeterPoint",
    "Minute",
    "Objective",
    "PriceOverride",
    "PriceRevision",
    "PriceVersion",
    "Project",
    "Quarantined",
    "Quarter",
    "RejectedReason",
    "Report",
    "ResidualPool",
    "RollupState",
    "Run",
    "RunDay",
    "RunLearned",
    "RunMark",
    "RunState",
    "Session",
    "SessionDay",
    "SessionQuarter",
    "SessionTotal",
    "SkillInvocation",
    "SourceSeen",
    "TokenMeasure",
    "TokenRatio",
    "Trend",
    "TrendDay",
    "WasteDay",
    "WasteQuarter",
    "WorkItem",
]
