"""Commands of processes and servers."""
