"""The HTTP edge: authentication, access rules, problem+json, and the routes the chassis provides."""
