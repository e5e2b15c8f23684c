from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccessConfig(AppConfig):
    name = "apps.access"
    label = "access"
    verbose_name = _("Access tokens")

    def ready(self) -> None:
        import apps.access.schema  # noqa: F401  tells the OpenAPI document about tokens
        from apps.access import demo, services
        from apps.access.selectors import belongings_of, can_listen, hashes_in_use
        from apps.access.views import context_of
        from apps.accounts.demo import register_part
        from apps.accounts.departures import register_belongings
        from apps.accounts.sections import Section, register_section
        from apps.core.crypto import register_hashes
        from apps.core.events import register_topic
        from apps.tenants.endings import register_ending

        register_hashes("Access tokens", hashes_in_use)
        register_topic("tokens", can_listen)
        register_belongings("access_tokens", belongings_of)
        register_part(demo.load)
        register_ending(services.revoke_tokens_for)
        register_section(Section("tokens", _("Access tokens"), "key", "access/_tokens.html", context_of, 50))
