from django.apps import AppConfig


class ChaosConfig(AppConfig):
    """An app whose only use is to be hurt: a write through the web process and a task for each."""

    name = "tests.chaos"
    label = "chaos"
