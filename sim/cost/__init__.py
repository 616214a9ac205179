"""What things cost: standard cells, spin devices, and what surrounds either."""
