"""The table of calls, partitioned by time. Its key begins with the project and holds the time, as Citus asks."""

from django.db import migrations

CREATE = """
CREATE TABLE telemetry_call (
    project_id bigint NOT NULL,
    started_at timestamptz NOT NULL,
    id uuid NOT NULL,
    input_uncached bigint NOT NULL,
    cache_read bigint NOT NULL,
    cache_write_5m bigint NOT NULL,
    cache_write_1h bigint NOT NULL,
    cache_write_unknown bigint NOT NULL,
    output bigint NOT NULL,
    reasoning bigint,
    cost_reported_nanousd bigint,
    cost_computed_nanousd bigint,
    duration_ms bigint,
    ttft_ms bigint,
    received_at timestamptz NOT NULL,
    quality integer NOT NULL,
    cost_kind text NOT NULL,
    price_version text NOT NULL,
    source text NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    agent text NOT NULL,
    host text NOT NULL,
    session_id text NOT NULL,
    subagent_id text NOT NULL,
    session_type text NOT NULL,
    execution_id text NOT NULL,
    task_type text NOT NULL,
    objective text NOT NULL,
    skill text NOT NULL,
    tier text NOT NULL,
    service_tier text NOT NULL,
    error_type text NOT NULL,
    request_key text NOT NULL,
    attributes jsonb,
    PRIMARY KEY (project_id, started_at, id)
) PARTITION BY RANGE (started_at);
"""


class Migration(migrations.Migration):
    dependencies = (("telemetry", "0001_initial"),)
    operations = (migrations.RunSQL(CREATE, "DROP TABLE telemetry_call"),)
