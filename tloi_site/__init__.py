"""The site: settings, processes and the commands that run them. The top of the house; nothing imports it."""
