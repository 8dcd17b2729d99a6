-- How runs that loaded each skill ended: how many are known to be over, and how many of them ended well.
SELECT loaded.skill, count(*) AS runs, count(*) FILTER (WHERE lower(execution.status) = ANY (%(done)s)) AS well
FROM (
    SELECT DISTINCT skill, execution_id
    FROM telemetry_skill_invocation
    WHERE project_id = %(project)s AND loaded_at >= %(since)s AND execution_id <> ''
) AS loaded
JOIN telemetry_execution AS execution
    ON execution.project_id = %(project)s AND execution.execution_id = loaded.execution_id
WHERE lower(execution.status) = ANY (%(ended)s)
GROUP BY loaded.skill
