"""What is fitted: pulse responses, neurons, their variation, and how well each is described."""
