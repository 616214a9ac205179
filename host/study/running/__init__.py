"""What a run is made of: the machine, the chip, the images shown, what is compared, the score."""
