"""PostgreSQL as in production, except that a test's clean-up empties all: append-only tables, and the cache."""
