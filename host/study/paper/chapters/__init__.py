"""The chapters on the paper: each says which experiments it needs, and what they show."""
