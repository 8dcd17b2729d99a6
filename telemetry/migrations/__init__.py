"""The history of telemetry's tables."""
