"""The key of set-apart records holds the project too, as Citus asks; for Django it is the id, which no two share."""

from django.db import migrations

WITH_PROJECT = """
ALTER TABLE telemetry_quarantined DROP CONSTRAINT telemetry_quarantined_pkey, ADD PRIMARY KEY (id, project_id);
"""
WITHOUT = "ALTER TABLE telemetry_quarantined DROP CONSTRAINT telemetry_quarantined_pkey, ADD PRIMARY KEY (id);"


class Migration(migrations.Migration):
    dependencies = (("telemetry", "0009_rollups"),)
    operations = (migrations.RunSQL(WITH_PROJECT, WITHOUT),)
