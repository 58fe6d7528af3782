"""One turn of conversation, and what it needs to know."""
