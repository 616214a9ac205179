"""What an array of Hall crosses computes: its network of resistances, solved."""
