class CantOpen(Exception):
    """The value was changed, cut, or belongs to another place than the one it was read from."""


class KeyMissing(CantOpen):
    """The value is sealed under a key that this installation doesn't have."""

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        super().__init__(
            f"A stored secret is sealed under the key {key_id!r}, which isn't configured. "
            f"Add it to IMP_ENCRYPTION_KEYS again (anywhere but first), then run `manage.py reencrypt`."
        )
