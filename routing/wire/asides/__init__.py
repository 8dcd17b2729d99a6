"""What a model says aside: calls of a tool of ours, which are answered here and which no client gets to see. Pure."""
