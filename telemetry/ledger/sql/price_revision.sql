-- How often the overrides have changed.
SELECT number FROM telemetry_pricerevision
