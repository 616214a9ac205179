"""What people see of a machine on a board, and press: LEDs and a button."""
