"""Routing's tables, a file an idea. Models stay home: only contracts pass the app's door."""

from routing.models.providers import Provider, QuotaGroup
from routing.models.tiers import Alias, RosterRevision, Tier

__all__ = ["Alias", "Provider", "QuotaGroup", "RosterRevision", "Tier"]
