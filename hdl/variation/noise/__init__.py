"""What changes from use to use: noise of neurons and of column sums, drawn by images' numbers."""
