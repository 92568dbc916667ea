"""One file a choice. A vendor's SDK is imported in its adapter and nowhere else; only `selected` names adapters."""
