"""One panel, one file: a panel asks the series one question and draws the answer."""
