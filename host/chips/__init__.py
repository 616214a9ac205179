"""A network on chips that vary: made, probed, measured, cut into tiles."""
