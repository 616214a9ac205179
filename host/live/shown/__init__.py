"""What is shown: drawings, settings and chips made of them, and the values of an image."""
