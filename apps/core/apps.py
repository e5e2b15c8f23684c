from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class CoreConfig(AppConfig):
    name = "apps.core"
    label = "core"

    def ready(self) -> None:
        from apps.core.events import register_topic
        from apps.core.lifecycle import checks as lifecycle_checks  # noqa: F401 (registers itself)
        from apps.core.mail.models import TOPIC
        from apps.core.mail.selectors import may_see_mails
        from apps.core.queue import checks as queue_checks  # noqa: F401 (registers itself)

        register_topic(TOPIC, may_see_mails)
        # Whoever dispatches or runs tasks must know all of them
        autodiscover_modules("tasks", "sweeps")
