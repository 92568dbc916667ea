"""AWS on a laptop: moto as a real HTTP server, and in front of it what moto leaves out."""
