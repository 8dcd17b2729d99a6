-- What a detector finds among runs, part of judge_slice.sql.
SELECT run.execution_id, {detector}::text AS detector, {severity}::text AS severity, run.started_at, run.task_id,
       run.task_type, run.agent, run.model, run.session_id, run.status, run.errors, run.duration_ms, run.is_verified,
       run.output, run.weighed, run.earlier_id, run.earlier_at,
       (greatest(0, {wasted_of} - {spared})::int8 + 50) / 100 AS tokens_wasted, {digest} AS digest
FROM {runs} AS run
WHERE run.weighed IS NOT NULL AND {passes} AND run.task_type <> ALL({allowed}::text[])
