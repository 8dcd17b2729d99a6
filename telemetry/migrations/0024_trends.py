"""What each day of a project came to, kept for as long as the project, and what it was against the days before."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('telemetry', '0027_forecasts'),
    ]

    operations = [
        migrations.CreateModel(
            name='RunDay',
            fields=[
                ('pk', models.CompositePrimaryKey('project_id', 'day', 'series_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('project_id', models.BigIntegerField()),
                ('day', models.DateField()),
                ('series_id', models.UUIDField()),
                ('agent', models.TextField()),
                ('task_type', models.TextField()),
                ('model', models.TextField()),
                ('runs', models.BigIntegerField()),
                ('measured', models.BigIntegerField()),
                ('log_sum', models.FloatField()),
                ('log_squares', models.FloatField()),
                ('tokens', models.BigIntegerField()),
                ('cost_nanousd', models.BigIntegerField()),
                ('unpriced_calls', models.BigIntegerField()),
            ],
            options={
                'db_table': 'telemetry_run_day',
            },
        ),
        migrations.CreateModel(
            name='Trend',
            fields=[
                ('pk', models.CompositePrimaryKey('project_id', 'day', 'dimension', 'name', 'what', blank=True, editable=False, primary_key=True, serialize=False)),
                ('project_id', models.BigIntegerField()),
                ('day', models.DateField()),
                ('dimension', models.TextField()),
                ('name', models.TextField()),
                ('what', models.TextField()),
                ('state', models.TextField()),
                ('runs', models.BigIntegerField()),
                ('value', models.FloatField(null=True)),
                ('level', models.FloatField(null=True)),
                ('low_7', models.FloatField(null=True)),
                ('high_7', models.FloatField(null=True)),
                ('baseline', models.FloatField(null=True)),
                ('low_30', models.FloatField(null=True)),
                ('high_30', models.FloatField(null=True)),
                ('baseline_days', models.IntegerField()),
                ('baseline_runs', models.BigIntegerField()),
                ('slope', models.FloatField(null=True)),
                ('slope_p', models.FloatField(null=True)),
                ('z', models.FloatField(null=True)),
                ('p', models.FloatField(null=True)),
                ('q', models.FloatField(null=True)),
                ('effect', models.FloatField(null=True)),
                ('tokens', models.BigIntegerField()),
                ('cost_nanousd', models.BigIntegerField()),
                ('at_stake_nanousd', models.BigIntegerField()),
                ('is_flagged', models.BooleanField()),
                ('is_shift', models.BooleanField()),
                ('is_alert', models.BooleanField()),
                ('root_dimension', models.TextField(db_default='')),
                ('root_name', models.TextField(db_default='')),
            ],
            options={
                'db_table': 'telemetry_trend',
            },
        ),
        migrations.CreateModel(
            name='TrendDay',
            fields=[
                ('pk', models.CompositePrimaryKey('project_id', 'day', blank=True, editable=False, primary_key=True, serialize=False)),
                ('project_id', models.BigIntegerField()),
                ('day', models.DateField()),
                ('zone', models.TextField()),
                ('judged_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'telemetry_trend_day',
            },
        ),
    ]
