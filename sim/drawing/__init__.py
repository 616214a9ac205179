"""Pictures and tables in plain Python: scales, PNG, SVG, and cards that notebooks show."""
