"""One script a claim. Each runs on servers and a data folder of its own and prints, last, one JSON line a figure."""
