"""What columns and lines beside the curves say: settings, and whether files agree on them."""
