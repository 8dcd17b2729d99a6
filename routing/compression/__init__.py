"""What a prompt can do without: a pure function over a request, with an explicit state. docs/compression.md. Pure."""
