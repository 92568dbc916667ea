"""Adapters of this port; the chosen one is named in `chassis.selected`."""
