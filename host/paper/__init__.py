"""The paper's experiments, repeated, with a verdict on each of its claims."""
