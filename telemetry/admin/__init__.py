"""The stock admin for what people edit, a file an idea."""

from telemetry.admin.access import ApiKeyAdmin, ProjectAdmin
from telemetry.admin.prices import PriceOverrideAdmin, PriceVersionAdmin
from telemetry.admin.records import QuarantinedAdmin

__all__ = ["ApiKeyAdmin", "PriceOverrideAdmin", "PriceVersionAdmin", "ProjectAdmin", "QuarantinedAdmin"]
