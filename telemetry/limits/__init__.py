"""What was granted, and for what: budgets and objectives."""
