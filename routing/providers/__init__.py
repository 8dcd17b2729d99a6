"""The only code that talks to models: where it may connect to, how long it waits, and how many calls run at once."""
