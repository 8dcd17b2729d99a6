-- Delete a project and all that belongs to it, if it is a demo; no row comes back where it is none. Foreign keys to
-- the project and between its rows are checked when the transaction commits.
WITH demo AS MATERIALIZED (
    SELECT id FROM telemetry_project WHERE id = %(project)s AND is_demo FOR UPDATE
), calls AS (
    DELETE FROM telemetry_call
    WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s AND EXISTS (SELECT FROM demo)
    RETURNING 1
), identities AS (
    DELETE FROM telemetry_identity WHERE project_id = %(project)s AND EXISTS (SELECT FROM demo)
), executions AS (
    DELETE FROM telemetry_execution WHERE project_id = %(project)s AND EXISTS (SELECT FROM demo)
), sessions AS (
    DELETE FROM telemetry_session WHERE project_id = %(project)s AND EXISTS (SELECT FROM demo)
), quarantined AS (
    DELETE FROM telemetry_quarantined WHERE project_id = %(project)s AND EXISTS (SELECT FROM demo)
), meter_points AS (
    DELETE FROM telemetry_meterpoint WHERE project_id = %(project)s AND EXISTS (SELECT FROM demo)
), imported_files AS (
    DELETE FROM telemetry_importedfile WHERE project_id = %(project)s AND EXISTS (SELECT FROM demo)
), prices AS (
    DELETE FROM telemetry_priceoverride WHERE project_id = %(project)s AND EXISTS (SELECT FROM demo)
), sources_seen AS (
    DELETE FROM telemetry_sourceseen WHERE project_id = %(project)s AND EXISTS (SELECT FROM demo)
), rejected_reasons AS (
    DELETE FROM telemetry_rejectedreason WHERE project_id = %(project)s AND EXISTS (SELECT FROM demo)
), invoice_lines AS (
    DELETE FROM telemetry_invoiceline WHERE project_id = %(project)s AND EXISTS (SELECT FROM demo)
), invoice_totals AS (
    DELETE FROM telemetry_invoicetotal WHERE project_id = %(project)s AND EXISTS (SELECT FROM demo)
), keys AS (
    DELETE FROM telemetry_apikey WHERE project_id = %(project)s AND EXISTS (SELECT FROM demo)
), memberships AS (
    DELETE FROM telemetry_membership WHERE project_id = %(project)s AND EXISTS (SELECT FROM demo)
), project AS (
    DELETE FROM telemetry_project WHERE id = %(project)s AND EXISTS (SELECT FROM demo)
)
SELECT (SELECT count(*) FROM calls) FROM demo
