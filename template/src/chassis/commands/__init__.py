"""One module a command, each with `add_arguments` and `run`; thin, the work is done elsewhere."""
