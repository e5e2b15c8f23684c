from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TenantsConfig(AppConfig):
    name = "apps.tenants"
    label = "tenants"
    verbose_name = _("Workspaces")

    def ready(self) -> None:
        from apps.core.events import register_tenants, register_topic
        from apps.tenants.selectors import can_listen, tenants_of

        register_topic("tenant", can_listen)
        register_tenants(tenants_of)
