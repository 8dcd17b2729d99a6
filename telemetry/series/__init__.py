"""FOLD and READ: calls as a time series, cut in the zone of the reader."""
