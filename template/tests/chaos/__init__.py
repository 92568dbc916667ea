"""What is done to the service on purpose, and what has to come out of it all the same."""
