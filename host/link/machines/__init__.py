"""Machines by name, and what is laid upon one: chips that its gateware makes, resident images."""
