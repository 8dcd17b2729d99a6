"""Commands of telemetry, one file each."""
