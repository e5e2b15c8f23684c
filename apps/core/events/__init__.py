"""Events that reach open pages: `publish` in a transaction, the hub and the stream in the live process."""
