"""The detectors, a file each. Pure. They do not know each other; `rules.py` lists them."""
