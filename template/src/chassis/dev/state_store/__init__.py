"""What the chosen state store needs on a laptop; one module a choice."""
