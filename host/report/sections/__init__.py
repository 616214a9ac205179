"""Sections of the page: one module each, a function from the findings to a section."""
