"""What networks reach over many chips."""
