"""Data sets, networks and devices, shipped or in a user's files."""
