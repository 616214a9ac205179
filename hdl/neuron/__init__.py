"""From a column's sum to the row it drives next: V-I converters, neurons, their array."""
