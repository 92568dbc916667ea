"""What the chosen audit sink needs on a laptop; one module a choice."""
