"""Files of laboratories: tables as instruments write them, and the curves in them."""
