"""The history of routing's tables."""
