-- Every override, its rates in nano-dollars per million tokens; what is left empty is derived: a cache costs what input
-- costs, an hour what five minutes cost.
SELECT id, project_id, provider, model, valid_from, valid_to,
       CASE WHEN is_free THEN 0 ELSE (input_usd * 1000000000)::int8 END AS input_uncached,
       CASE WHEN is_free THEN 0 ELSE (coalesce(cache_read_usd, input_usd) * 1000000000)::int8 END AS cache_read,
       CASE WHEN is_free THEN 0 ELSE (coalesce(cache_write_usd, input_usd) * 1000000000)::int8 END AS cache_write,
       CASE WHEN is_free THEN 0
            ELSE (coalesce(cache_write_1h_usd, cache_write_usd, input_usd) * 1000000000)::int8 END AS cache_write_1h,
       CASE WHEN is_free THEN 0 ELSE (output_usd * 1000000000)::int8 END AS output,
       CASE WHEN is_free THEN 0 ELSE (coalesce(per_call_usd, 0) * 1000000000)::int8 END AS a_call
FROM telemetry_priceoverride
WHERE is_free OR (input_usd IS NOT NULL AND output_usd IS NOT NULL)
