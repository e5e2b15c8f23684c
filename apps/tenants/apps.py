from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TenantsConfig(AppConfig):
    name = "apps.tenants"
    label = "tenants"
    verbose_name = _("Workspaces")

    def ready(self) -> None:
        from apps.accounts.arrivals import register_welcome
        from apps.accounts.demo import register_part
        from apps.accounts.departures import register_belongings, register_departure
        from apps.accounts.rights import register_rights
        from apps.audit.selectors import register_readers
        from apps.core.events import register_tenants, register_topic
        from apps.tenants import demo
        from apps.tenants.history.selectors import may_read
        from apps.tenants.operators import may_in_admin, require_operator
        from apps.tenants.selectors import can_listen, tenants_of
        from apps.tenants.services import departures
        from apps.tenants.services.tenants import welcome

        register_topic("tenant", can_listen)
        register_tenants(tenants_of)
        register_readers(may_read)
        register_rights(require=require_operator, may_in_admin=may_in_admin)
        register_welcome(welcome)
        register_departure(departures.reasons_to_stay, leave=departures.leave_all)
        register_belongings("workspaces", departures.belongings_of)
        register_part(demo.load)
