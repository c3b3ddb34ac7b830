"""Training: the data that models are given, and the loop that the neural ones share."""
