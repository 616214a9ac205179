"""Commands that train a network and run it."""
