"""What skills tell the page that telemetry prints. Edge."""
