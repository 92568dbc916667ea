"""What the chosen secret backend needs on a laptop; one module a choice."""
