-- Whether a run may be flagged by a detector, part of candidates.sql: what of `findings.Bounds` is NULL asks nothing.
(run.is_huge OR (
    run.weighed >= {input_from} AND run.weighed + 100 * run.answered >= {total_from}
    AND ({ratio_over} IS NULL OR run.weighed > {ratio_over} * run.answered)
    AND ({below_ms} IS NULL OR run.duration_ms < {below_ms})
    AND ({errors_from} IS NULL
         OR ((run.errors >= {errors_from} OR NOT run.is_verified) AND lower(run.status COLLATE "C") = ANY(%(done)s)))
    AND ({within_ms} IS NULL OR run.is_repeated)
))
