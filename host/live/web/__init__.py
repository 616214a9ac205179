"""The server: its page, who may speak to it, and how much."""
