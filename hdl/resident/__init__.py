"""Images that stay on the board, run and judged there."""
