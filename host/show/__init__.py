"""Text for people: messages, progress, and tables in a terminal and in documents."""
