"""Machines that run a network: the golden model, a board, or a simulated board."""
