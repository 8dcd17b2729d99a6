"""What pages show of routing. Edge."""
