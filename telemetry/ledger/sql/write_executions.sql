-- Insert an execution or complete the one that is there. A row comes back where something changed; the row lock is
-- taken either way; it tells where the execution begins, and where it did before. What was known is kept where the new copy is silent; an ended status is never un-ended.
INSERT INTO telemetry_execution AS known (
    project_id, execution_id, started_at, task_id, tool, action, model, duration_ms, sent_input_tokens,
    sent_output_tokens, sent_cache_read_tokens, sent_cache_write_tokens, status, errors, task_type, agent, session_id,
    session_type, skills, objective, source, attributes, received_at)
VALUES (%(project)s, %(key)s, %(started_at)s, %(task_id)s, %(tool)s, %(action)s, %(model)s, %(duration_ms)s,
        %(sent_input)s, %(sent_output)s, %(sent_cache_read)s, %(sent_cache_write)s, %(status)s, %(errors)s,
        %(task_type)s, %(agent)s, %(session_id)s, %(session_type)s, %(skills)s, %(objective)s, %(source)s,
        %(attributes)s, %(now)s)
ON CONFLICT (project_id, execution_id) DO UPDATE
SET started_at = least(known.started_at, excluded.started_at),
    moved_from_at = known.started_at,
    task_id = coalesce(nullif(excluded.task_id, ''), known.task_id),
    tool = coalesce(nullif(excluded.tool, ''), known.tool),
    action = coalesce(nullif(excluded.action, ''), known.action),
    model = coalesce(nullif(excluded.model, ''), known.model),
    duration_ms = coalesce(excluded.duration_ms, known.duration_ms),
    sent_input_tokens = greatest(excluded.sent_input_tokens, known.sent_input_tokens),
    sent_output_tokens = greatest(excluded.sent_output_tokens, known.sent_output_tokens),
    sent_cache_read_tokens = greatest(excluded.sent_cache_read_tokens, known.sent_cache_read_tokens),
    sent_cache_write_tokens = greatest(excluded.sent_cache_write_tokens, known.sent_cache_write_tokens),
    status = CASE WHEN excluded.status IN ('', 'started', 'running', 'in_progress') AND known.status <> ''
                  THEN known.status ELSE excluded.status END,
    errors = CASE WHEN excluded.errors = '[]' THEN known.errors ELSE excluded.errors END,
    task_type = coalesce(nullif(excluded.task_type, ''), known.task_type),
    agent = coalesce(nullif(excluded.agent, ''), known.agent),
    session_id = coalesce(nullif(excluded.session_id, ''), known.session_id),
    session_type = coalesce(nullif(excluded.session_type, ''), known.session_type),
    skills = CASE WHEN excluded.skills = '[]' THEN known.skills ELSE excluded.skills END,
    objective = coalesce(nullif(excluded.objective, ''), known.objective),
    source = coalesce(nullif(known.source, ''), excluded.source),
    attributes = coalesce(known.attributes || excluded.attributes, excluded.attributes, known.attributes),
    received_at = excluded.received_at
WHERE (known.source = '')
   OR excluded.started_at < known.started_at
   OR (excluded.task_id NOT IN ('', known.task_id))
   OR (excluded.tool NOT IN ('', known.tool))
   OR (excluded.action NOT IN ('', known.action))
   OR (excluded.model NOT IN ('', known.model))
   OR coalesce(excluded.duration_ms <> known.duration_ms, excluded.duration_ms IS NOT NULL)
   OR coalesce(excluded.sent_input_tokens > known.sent_input_tokens, excluded.sent_input_tokens IS NOT NULL
               AND known.sent_input_tokens IS NULL)
   OR coalesce(excluded.sent_output_tokens > known.sent_output_tokens, excluded.sent_output_tokens IS NOT NULL
               AND known.sent_output_tokens IS NULL)
   OR (excluded.status NOT IN ('', 'started', 'running', 'in_progress', known.status))
   OR (excluded.status <> '' AND known.status = '')
   OR (excluded.errors <> '[]' AND excluded.errors <> known.errors)
   OR (excluded.task_type NOT IN ('', known.task_type))
   OR (excluded.agent NOT IN ('', known.agent))
   OR (excluded.session_id NOT IN ('', known.session_id))
   OR (excluded.session_type NOT IN ('', known.session_type))
   OR (excluded.skills <> '[]' AND excluded.skills <> known.skills)
   OR (excluded.objective NOT IN ('', known.objective))
   OR (excluded.attributes IS NOT NULL AND NOT coalesce(known.attributes @> excluded.attributes, false))
RETURNING known.started_at, known.moved_from_at
