"""Files that a user names: read within limits, refused in a line."""
