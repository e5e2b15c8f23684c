from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SsoConfig(AppConfig):
    name = "apps.sso"
    label = "sso"
    verbose_name = _("Single sign-on")

    def ready(self) -> None:
        from apps.accounts.departures import register_belongings
        from apps.accounts.sections import Section, register_section
        from apps.sso.selectors import belongings_of
        from apps.sso.views import context_of

        title = _("Single sign-on")
        register_section(Section("identities", title, "server", "sso/_section.html", context_of, 25))
        register_belongings("identities", belongings_of)
