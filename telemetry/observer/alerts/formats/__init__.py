"""A message in each channel's own format, a file each. What agents wrote is text there: it mentions nobody, and is no
link, no markup and no command.
"""
