"""Skills' tables. Models stay home: only contracts pass the app's door."""

from skills.models.roots import SkillRoot

__all__ = ["SkillRoot"]
