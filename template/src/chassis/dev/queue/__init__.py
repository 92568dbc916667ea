"""What the chosen queue needs on a laptop; one module a choice."""
