"""Budgets, with those of the plan per session type: in shadow mode, for every project."""

import django.core.validators
import django.db.models.deletion
from decimal import Decimal
from typing import Any
from django.db import migrations, models


PLAN = (('direct_chat', 10_000), ('cron_job', 20_000), ('sub_agent', 30_000))


def grant_plan(apps: Any, schema_editor: Any) -> None:
    """The plan's defaults."""
    apps.get_model('telemetry', 'Budget').objects.bulk_create(
        apps.get_model('telemetry', 'Budget')(
            scope='session_type', subject=subject, period='session', counts='weighted', amount=tokens, mode='shadow',
            note="The plan's default",
        )
        for subject, tokens in PLAN
    )


class Migration(migrations.Migration):

    dependencies = [
        ('telemetry', '0029_run_repeats'),
    ]

    operations = [
        migrations.CreateModel(
            name='Budget',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(choices=[('project', 'The whole project'), ('session_type', 'Session type'), ('session', 'Session'), ('agent', 'Agent'), ('task_type', 'Task type'), ('tier', 'Tier'), ('objective', 'Objective')], max_length=12, verbose_name='of')),
                ('subject', models.CharField(blank=True, default='', help_text='As calls name it. Empty: each one by itself.', max_length=200, verbose_name='which')),
                ('period', models.CharField(choices=[('run', 'Each run of a task'), ('session', 'Each session'), ('day', 'Day'), ('week', 'Week, from Monday'), ('month', 'Month')], help_text="In the project's zone.", max_length=7, verbose_name='in each')),
                ('counts', models.CharField(choices=[('weighted', 'Tokens, input weighted by price, and output'), ('gross', 'Tokens, each once'), ('usd', 'US dollars')], default='weighted', help_text='Weighted: what is read from a cache counts a tenth, what is written to one 1.25 or 2 times.', max_length=8)),
                ('amount', models.DecimalField(decimal_places=9, help_text='Whole tokens, or US dollars.', max_digits=25, validators=[django.core.validators.MinValueValidator(Decimal('1E-9')), django.core.validators.MaxValueValidator(Decimal('9007199254740992'))])),
                ('mode', models.CharField(choices=[('shadow', 'Shadow: say what would have been'), ('warn', 'Warn'), ('enforce', 'Enforce: refuse what goes beyond')], default='shadow', max_length=7)),
                ('is_enabled', models.BooleanField(default=True, help_text="A project's own that is off lifts the one for every project.", verbose_name='enabled')),
                ('note', models.CharField(blank=True, default='', max_length=300)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('changed_at', models.DateTimeField(auto_now=True)),
                ('project', models.ForeignKey(blank=True, help_text="Empty: every project. A project's own stands in place of it.", null=True, on_delete=django.db.models.deletion.CASCADE, related_name='budgets', to='telemetry.project')),
            ],
            options={
                'ordering': ('scope', 'subject', 'period', 'counts'),
                'constraints': [models.UniqueConstraint(fields=('project', 'scope', 'subject', 'period', 'counts'), name='one_budget_a_span', nulls_distinct=False, violation_error_message='There is a budget of this kind already: change that one.'), models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='a_budget_grants_something')],
            },
        ),
        migrations.RunPython(grant_plan, migrations.RunPython.noop),
    ]
