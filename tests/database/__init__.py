"""PostgreSQL as in production, except that a test's clean-up may empty append-only tables too."""
