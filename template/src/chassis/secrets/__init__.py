"""Keeping secrets fresh: what lies between a backend, which only reads, and whoever uses a secret."""
