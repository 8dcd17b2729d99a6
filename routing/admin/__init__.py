"""The stock admin for providers, tiers, aliases and kept answers, a file an idea."""

from routing.admin.keeping import KeepRuleAdmin
from routing.admin.providers import ProviderAdmin, QuotaGroupAdmin
from routing.admin.tiers import AliasAdmin, TierAdmin

__all__ = ["AliasAdmin", "KeepRuleAdmin", "ProviderAdmin", "QuotaGroupAdmin", "TierAdmin"]
