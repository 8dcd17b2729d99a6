"""Alerts of spend against its baseline."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('telemetry', '0032_token_ratios'),
    ]

    operations = [
        migrations.AlterField(
            model_name='alertrule',
            name='kind',
            field=models.CharField(choices=[('anomaly', 'Anomaly of at least a severity'), ('agent_silent', 'Agent silent'), ('unpriced_model', 'Model without a price'), ('ingest_errors', 'Ingest errors'), ('overrun_ahead', 'Run expected to exceed a budget'), ('overrun_going', 'Run about to exceed a budget'), ('trend', 'Spend against baseline')], max_length=20),
        ),
    ]
