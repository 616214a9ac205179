"""Images in files such as PNG, as a network sees images."""
