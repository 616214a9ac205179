"""What a page and its server say to each other, and what of it is let in."""
