"""What was left out of prompts, and what is known of their conversations: in the database, a project's own alone."""
