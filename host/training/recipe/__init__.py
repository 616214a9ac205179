"""What a training is asked for: its parameters, its target, and the file that holds both."""
