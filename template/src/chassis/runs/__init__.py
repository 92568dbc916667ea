"""Runs of the agent: a kind of job that executes a graph on a thread, step by step, and is streamed while it does."""
