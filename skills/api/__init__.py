"""Skills' REST API: skills by name, and their files. Edge."""
