"""What providers' receipts say of texts that were counted before: only `outlook/tokens.py` writes it."""

from __future__ import annotations

from django.db import models


class TokenRatio(models.Model):
    """A model whose tokenizer is not public: by how much its provider's counts differ from ours, as `outlook/ratios.py`
    reads it."""

    pk = models.CompositePrimaryKey("project_id", "model")
    project_id = models.BigIntegerField()
    model = models.TextField()
    weight = models.FloatField()
    mean_log = models.FloatField()
    m2_log = models.FloatField()
    receipts = models.BigIntegerField()
    learned_at = models.DateTimeField()
