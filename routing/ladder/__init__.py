"""The ladder: which tier is asked, what follows from a fault, how good an answer is, and what was learned of it."""
