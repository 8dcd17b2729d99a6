"""Who is told: rules are looked at, what holds becomes an alert, an alert becomes messages, and these are delivered."""
