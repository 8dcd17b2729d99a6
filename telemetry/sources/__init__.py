"""One file a source, pure: bytes or lines in, records out. Sources do not know each other."""
