"""The next run of a project to learn from is found at once, however many of others wait."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("telemetry", "0025_budgets"),)
    operations = (
        migrations.AddIndex(
            model_name="runlearned",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)), fields=["project_id", "due_at"], name="run_to_learn_next"
            ),
        ),
    )
