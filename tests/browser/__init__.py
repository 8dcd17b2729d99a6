"""The pages in a real Chromium, served by a real granian: what people see, and what their browser is asked to do."""
