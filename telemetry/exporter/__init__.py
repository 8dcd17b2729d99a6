"""DATA OUT: calls and rollups of a range, as CSV or Parquet, in pieces: memory does not grow with the range."""
