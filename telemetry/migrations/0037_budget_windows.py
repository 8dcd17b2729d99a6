"""How budgets stand in their spans, and who holds a part of them."""

import django.contrib.postgres.fields
from django.db import migrations, models


# A window changes with every call, and a lease once: the new version of the row finds room beside the old one.
ROOMY = "ALTER TABLE {table} SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05)"


class Migration(migrations.Migration):

    dependencies = [
        ('telemetry', '0036_anomaly_moved'),
    ]

    operations = [
        migrations.CreateModel(
            name='BudgetLease',
            fields=[
                ('pk', models.CompositePrimaryKey('project_id', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('project_id', models.BigIntegerField()),
                ('id', models.TextField()),
                ('windows', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None)),
                ('amounts', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ('state', models.TextField()),
                ('created_at', models.DateTimeField()),
                ('until_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('weighted', models.BigIntegerField(db_default=0)),
                ('gross', models.BigIntegerField(db_default=0)),
                ('nanousd', models.BigIntegerField(db_default=0)),
                ('is_recorded', models.BooleanField(db_default=False)),
                ('marked', models.BigIntegerField(db_default=0)),
            ],
            options={
                'db_table': 'telemetry_budget_lease',
                'indexes': [models.Index(fields=['project_id', 'until_at'], name='leases_by_end')],
            },
        ),
        migrations.CreateModel(
            name='BudgetWindow',
            fields=[
                ('pk', models.CompositePrimaryKey('project_id', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('project_id', models.BigIntegerField()),
                ('id', models.UUIDField()),
                ('budget_id', models.BigIntegerField()),
                ('scope', models.TextField()),
                ('subject', models.TextField()),
                ('period', models.TextField()),
                ('counts', models.TextField()),
                ('span', models.TextField()),
                ('from_at', models.DateTimeField(null=True)),
                ('to_at', models.DateTimeField(null=True)),
                ('sessions', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                ('granted', models.BigIntegerField()),
                ('used', models.BigIntegerField()),
                ('reserved', models.BigIntegerField()),
                ('counted_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'telemetry_budget_window',
                'constraints': [models.CheckConstraint(condition=models.Q(('reserved__gte', 0)), name='a_window_holds_no_less_than_nothing')],
            },
        ),
        migrations.RunSQL(ROOMY.format(table='telemetry_budget_window'), migrations.RunSQL.noop),
        migrations.RunSQL(ROOMY.format(table='telemetry_budget_lease'), migrations.RunSQL.noop),
    ]
