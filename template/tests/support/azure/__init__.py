"""Stand-ins for what gives a service on Azure its identity's tokens, whatever the tokens are for."""
