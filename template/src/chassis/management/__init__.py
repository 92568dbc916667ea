"""What operators and orchestrators ask a process: whether it lives, whether it can work, and its figures."""
