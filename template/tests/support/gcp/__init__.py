"""Google Cloud on a laptop: a Secret Manager that speaks gRPC over TLS, and the platform's two ways to an identity."""
