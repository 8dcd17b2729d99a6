"""The stock admin for what people edit, a file an idea."""

from telemetry.admin.access import ApiKeyAdmin, ProjectAdmin
from telemetry.admin.alerts import AlertAdmin, AlertChannelAdmin, AlertDeliveryAdmin, AlertRuleAdmin
from telemetry.admin.detectors import DetectorRuleAdmin
from telemetry.admin.jobs import JobAdmin
from telemetry.admin.limits import BudgetAdmin
from telemetry.admin.objectives import AttributionAdmin, KeyResultAdmin, ObjectiveAdmin, WorkItemAdmin
from telemetry.admin.observing import AllowedWasteAdmin
from telemetry.admin.prices import PriceOverrideAdmin, PriceVersionAdmin
from telemetry.admin.records import QuarantinedAdmin

__all__ = [
    "AlertAdmin",
    "AlertChannelAdmin",
    "AlertDeliveryAdmin",
    "AlertRuleAdmin",
    "AllowedWasteAdmin",
    "ApiKeyAdmin",
    "AttributionAdmin",
    "BudgetAdmin",
    "DetectorRuleAdmin",
    "JobAdmin",
    "KeyResultAdmin",
    "ObjectiveAdmin",
    "PriceOverrideAdmin",
    "PriceVersionAdmin",
    "ProjectAdmin",
    "QuarantinedAdmin",
    "WorkItemAdmin",
]
