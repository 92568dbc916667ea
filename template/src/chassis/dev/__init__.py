"""A whole service on a laptop: services found or started, the API and a worker as processes. Never in production."""
