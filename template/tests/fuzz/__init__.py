"""Made-up input for what reads input of strangers: `make fuzz`, and a second of it among the fast tests."""
