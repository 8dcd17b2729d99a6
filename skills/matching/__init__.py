"""Which skills a task needs: words, an index of them, and a decision that gives its reasons. Pure."""
