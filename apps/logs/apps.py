from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LogsConfig(AppConfig):
    name = "apps.logs"
    label = "logs"
    verbose_name = _("Functions' logs")

    def ready(self) -> None:
        from apps.core.events import register_topic
        from apps.gateways.overview import Card, register_card
        from apps.gateways.tabs import Tab, register_tab
        from apps.logs.selectors import can_follow
        from apps.logs.streaming.askers import TOPIC
        from apps.logs.views.card import PART, log_card

        register_topic(TOPIC, can_follow)
        register_tab(Tab("logs", _("Logs"), "logs:log", place=70, permission="functions.read"))
        register_card(Card(PART, log_card, place=40, permission="functions.read"))
