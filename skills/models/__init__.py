"""Skills' tables. Models stay home: only contracts pass the app's door."""

from skills.models.advice import Advice, RetiredSkill, SkillSeen
from skills.models.roots import SkillRoot

__all__ = ["Advice", "RetiredSkill", "SkillRoot", "SkillSeen"]
