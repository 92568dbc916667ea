"""What the service needs from the outside, as small Protocols. No SDK and nothing else of ours is imported here."""
