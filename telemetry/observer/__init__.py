"""NIGHT: reads a day of runs, says what was wasted, where, and what to do; and the same of a run that just ended."""
