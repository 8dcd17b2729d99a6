"""Local files become calls: which files there are, how far each was read, and reading on from there."""
