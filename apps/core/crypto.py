"""Envelope encryption: AES-256-GCM, a data key for each value, wrapped by a key that has an id."""
