"""Jobs know the days that they are for, which is their order, and a project has one running job at most."""

from datetime import date

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('telemetry', '0017_run_marks_by_hour'),
        ('telemetry', '0020_anomaly_judged'),
    ]

    operations = [
        migrations.AddField(
            model_name='job',
            name='first_day',
            field=models.DateField(default=date(2000, 1, 1)),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='job',
            name='last_day',
            field=models.DateField(default=date(2000, 1, 1)),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='job',
            name='outdated_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'running')), fields=('project',), name='one_running_job_a_project'),
        ),
    ]
