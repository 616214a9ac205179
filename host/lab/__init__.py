"""What laboratories measured: tables as their programs write them, and the curves in them."""
