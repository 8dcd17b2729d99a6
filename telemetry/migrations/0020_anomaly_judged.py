"""What people judged is found without reading every anomaly: there are few verdicts, and many anomalies."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('telemetry', '0015_observer'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='anomaly',
            index=models.Index(condition=models.Q(('state', 'new'), _negated=True), fields=['project_id', 'detector', 'task_type'], name='anomaly_judged'),
        ),
    ]
