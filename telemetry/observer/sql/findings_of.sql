-- What a detector finds among runs, part of judge_slice.sql.
SELECT execution_id, {detector}::text AS detector, {severity}::text AS severity, started_at, task_id, task_type, agent,
       model, session_id, (weighed + 100 * output + 50) / 100 AS tokens,
       (greatest(0, {wasted_of} - {spared})::int8 + 50) / 100 AS tokens_wasted, concat({evidence})::jsonb AS evidence
FROM {runs} AS run
WHERE weighed IS NOT NULL AND {passes} AND task_type <> ALL({allowed}::text[])
