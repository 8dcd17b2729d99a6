"""Routing's REST API: tasks that a worker does. Edge."""
