-- All that a finding says follows from this, and from nothing else; part of judge_slice.sql and write_anomalies.sql.
hash_record_extended(ROW({rule}, {weighed}, run.output, run.started_at, run.task_id, run.task_type, run.agent, run.model,
                         run.session_id, run.status, run.errors, run.duration_ms, run.is_verified, {earlier_id},
                         {earlier_at}), 0)
