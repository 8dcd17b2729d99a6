"""What each kind of rule looks at, a file a kind: `look(glance)` returns what holds just now, a `Held` a subject."""
