from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class CoreConfig(AppConfig):
    name = "apps.core"
    label = "core"

    def ready(self) -> None:
        # Whoever dispatches or runs tasks must know all of them
        autodiscover_modules("tasks", "sweeps")
