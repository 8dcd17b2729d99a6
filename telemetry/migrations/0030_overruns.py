"""Alerts of runs that are expected to exceed a budget, and the indexes that they are found by."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('telemetry', '0024_trends'),
    ]

    operations = [
        migrations.AlterField(
            model_name='alertrule',
            name='kind',
            field=models.CharField(choices=[('anomaly', 'Anomaly of at least a severity'), ('agent_silent', 'Agent silent'), ('unpriced_model', 'Model without a price'), ('ingest_errors', 'Ingest errors'), ('overrun_ahead', 'Run expected to exceed a budget'), ('overrun_going', 'Run about to exceed a budget')], max_length=20),
        ),
        migrations.AddIndex(
            model_name='forecast',
            index=models.Index(condition=models.Q(('warns', True)), fields=['project_id', 'asked_at'], name='forecast_that_warns'),
        ),
        migrations.AddIndex(
            model_name='forecast',
            index=models.Index(condition=models.Q(('overrun_at__isnull', False)), fields=['project_id', 'overrun_at'], name='forecast_overrun'),
        ),
    ]
