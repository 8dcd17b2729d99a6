-- The transaction that last changed an override.
SELECT number FROM telemetry_pricerevision
