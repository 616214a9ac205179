"""Complete tops: the engine behind its link, on a board or as a native simulator."""
