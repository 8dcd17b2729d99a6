"""Skills read from folders, and nothing that lies outside of them."""
