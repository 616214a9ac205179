"""What streams are made of: layouts, register slices, credits, block RAM, multipliers."""
