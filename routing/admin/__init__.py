"""The stock admin for providers, tiers, aliases, kept answers and shorter prompts, a file an idea."""

from routing.admin.compressing import CompressionRuleAdmin
from routing.admin.keeping import KeepRuleAdmin
from routing.admin.providers import ProviderAdmin, QuotaGroupAdmin
from routing.admin.tiers import AliasAdmin, TierAdmin

__all__ = ["AliasAdmin", "CompressionRuleAdmin", "KeepRuleAdmin", "ProviderAdmin", "QuotaGroupAdmin", "TierAdmin"]
