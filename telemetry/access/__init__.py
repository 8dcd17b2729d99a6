"""Who may come in: projects, keys, one-time links, and the rate they may come at."""
