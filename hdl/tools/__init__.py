"""Programs of others: started, watched, and stopped with us."""
