class PostgresError(Exception):
    """The server can't be made, started or reached; the message says what to do."""
