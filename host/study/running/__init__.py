"""A run: the machine, the chip, the images shown, what is compared, the score."""
