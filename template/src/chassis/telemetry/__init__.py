"""Logs; traces and metrics will live here too."""
