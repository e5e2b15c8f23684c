from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class CoreConfig(AppConfig):
    name = "apps.core"
    label = "core"

    def ready(self) -> None:
        from apps.core.queue import checks  # noqa: F401 (registers itself)

        # Whoever dispatches or runs tasks must know all of them
        autodiscover_modules("tasks", "sweeps")
