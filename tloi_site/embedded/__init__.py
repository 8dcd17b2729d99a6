"""The private servers and the processes of `tloi up`: found, started, watched, shared and stopped.

Nothing here needs Django. The servers are ordinary ones on 127.0.0.1, reached through the same three addresses
that an operator may set, so the code path is the production one.
"""


class CannotStart(Exception):
    """Something that TLOI needs cannot be started; the text is one sentence for the person who runs it."""
