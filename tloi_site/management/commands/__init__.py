"""Commands of processes and servers, one file each."""
