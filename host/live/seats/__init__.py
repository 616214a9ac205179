"""The machines that a page sits at: the virtual board, and a board that one page holds."""
