"""Routing's tables, a file an idea. Models stay home: only contracts pass the app's door."""

from routing.models.compressing import CompressionDay, CompressionRule, Conversation, Original
from routing.models.errands import Errand
from routing.models.keeping import KeepRule, RecallDay
from routing.models.learning import (
    Audit,
    AuditDay,
    BreakerChange,
    Calibration,
    Outcome,
    OutcomeDay,
    ReasonDay,
    TierPrice,
)
from routing.models.providers import Provider, QuotaGroup
from routing.models.tiers import Alias, RosterRevision, Tier

__all__ = [
    "Alias",
    "Audit",
    "AuditDay",
    "BreakerChange",
    "Calibration",
    "CompressionDay",
    "CompressionRule",
    "Conversation",
    "Errand",
    "KeepRule",
    "Original",
    "Outcome",
    "OutcomeDay",
    "Provider",
    "QuotaGroup",
    "ReasonDay",
    "RecallDay",
    "RosterRevision",
    "Tier",
    "TierPrice",
]
