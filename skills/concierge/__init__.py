"""The concierge: each night it looks which skills a project lacks, which are dead weight, and what changing that saves.

It proposes and flags; a person decides. What tasks say is data: it is counted, shown and quoted, never followed.
"""
