"""The report of a day, a week or a month: read once, kept as a document, and printed from that document alone."""
