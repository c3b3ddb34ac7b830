"""Training: the loop that the neural models share, and the parts of their networks."""
