"""OTLP: what OpenTelemetry exporters send. `wire` decodes it, `dialects` know what each agent means by it. Pure."""
