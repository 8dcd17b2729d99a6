"""The HTTP interface that agents and scripts use."""
