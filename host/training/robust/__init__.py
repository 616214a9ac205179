"""Training for chips that vary: what variation does to words and columns, and who teaches."""
