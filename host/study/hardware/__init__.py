"""What is on this machine, netlists compared with the golden model, and boards tested."""
