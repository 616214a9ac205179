"""Self-test of a machine, and the report that a board's owner sends."""
