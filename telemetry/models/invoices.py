"""What a provider says that a period cost: a total that a person typed in, or the days and models of a file.

Days are days of UTC, in which providers bill; `amount_nanousd` is an integer of 10⁻⁹ US dollars.
"""

from __future__ import annotations

from django.db import models


class InvoiceTotal(models.Model):
    """A provider's total for the days from `first_day` to `last_day`, both inclusive. `origin` is empty for one that
    was typed in, else the kind of file; the periods of one provider's files do not overlap (ledger/invoices.py)."""

    project_id = models.BigIntegerField()
    provider = models.TextField()
    first_day = models.DateField()
    last_day = models.DateField()
    amount_nanousd = models.BigIntegerField()
    origin = models.TextField(db_default="")
    file_name = models.TextField(db_default="")
    entered_by = models.TextField(db_default="")
    entered_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("project_id", "provider", "first_day", "last_day", "origin"), name="invoice_total_once"
            ),
        )


class InvoiceLine(models.Model):
    """What a file says that one model cost on one day. `rounding_nanousd` is how far its rows were rounded at most."""

    total = models.ForeignKey(InvoiceTotal, on_delete=models.CASCADE, related_name="lines")
    project_id = models.BigIntegerField()
    provider = models.TextField()
    day = models.DateField()
    model = models.TextField()
    amount_nanousd = models.BigIntegerField()
    rounding_nanousd = models.BigIntegerField(db_default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("project_id", "provider", "day", "model"), name="invoice_line_once"),
        )
