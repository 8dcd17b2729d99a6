"""The stock admin for providers, tiers and aliases, a file an idea."""

from routing.admin.providers import ProviderAdmin, QuotaGroupAdmin
from routing.admin.tiers import AliasAdmin, TierAdmin

__all__ = ["AliasAdmin", "ProviderAdmin", "QuotaGroupAdmin", "TierAdmin"]
