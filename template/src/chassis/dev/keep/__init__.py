"""`audit keep` with a stand-in for its collector, for compose."""
