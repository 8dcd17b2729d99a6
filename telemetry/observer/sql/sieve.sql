-- Whether a run passes a sieve, part of judge_slice.sql: what is NULL lets every run pass.
(({input_from} IS NULL OR run.weighed >= {input_from})
 AND ({total_from} IS NULL OR run.weighed + 100 * run.output >= {total_from})
 AND ({ratio_over} IS NULL OR (run.weighed > {ratio_over} * run.output AND run.cut_off_calls = 0))
 AND ({below_ms} IS NULL OR run.duration_ms < {below_ms})
 AND ({errors_from} IS NULL OR (NOT coalesce(run.is_verified, run.errors < {errors_from})
                                AND lower(run.status COLLATE "C") = ANY(%(done)s))))
