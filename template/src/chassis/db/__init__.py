"""The relational database: tables' base, engine and migrations."""
