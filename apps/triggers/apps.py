from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TriggersConfig(AppConfig):
    name = "apps.triggers"
    label = "triggers"
    verbose_name = _("Triggers")

    def ready(self) -> None:
        from apps.accounts.demo import register_part
        from apps.core.queue.companions import register_companion
        from apps.functions.following import Follower, register_follower
        from apps.gateways.lifecycle.belongings import register_belonging
        from apps.gateways.tabs import Tab, register_tab
        from apps.triggers import demo
        from apps.triggers.firing import tick
        from apps.triggers.following import follow_renamed, pause_of_deleted, remove_triggers
        from apps.triggers.selectors import count_triggers

        register_belonging("triggers", remove_triggers)
        register_follower(Follower(deleted=pause_of_deleted, renamed=follow_renamed))
        register_companion("triggers", tick)
        register_part(demo.load)
        register_tab(
            Tab("triggers", _("Triggers"), "triggers:list", 50, permission="functions.read", count=count_triggers)
        )
