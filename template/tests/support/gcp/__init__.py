"""Google Cloud on a laptop: services that speak gRPC over TLS, and the platform's two ways to an identity."""
