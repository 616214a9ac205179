"""A network of whole numbers: its file, its number formats, its neurons, and the golden model."""
