from django.apps import AppConfig


class VaultConfig(AppConfig):
    """A model with a SecretField, so that the field is tested in a real table."""

    name = "tests.vault"
    label = "vault"
