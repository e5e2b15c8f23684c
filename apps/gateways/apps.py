from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GatewaysConfig(AppConfig):
    name = "apps.gateways"
    label = "gateways"
    verbose_name = _("Function gateways")

    def ready(self) -> None:
        import apps.gateways.call_problems
        import apps.gateways.checks  # noqa: F401  registers itself
        from apps.accounts.demo import register_part
        from apps.core.doctor.services import register_check
        from apps.core.events import register_topic
        from apps.core.lifecycle import register_machine
        from apps.fleet.concerns import Source, register_source
        from apps.fleet.naming import register_namer
        from apps.fleet.services.bundles import register_owner
        from apps.fleet.services.clusters import register_forgetter
        from apps.gateways import demo
        from apps.gateways.doctor import check_gateway_databases
        from apps.gateways.lifecycle.custom_domains import CUSTOM_DOMAIN
        from apps.gateways.lifecycle.machines import DOMAIN, GATEWAY, hear_of_bundles
        from apps.gateways.selectors import can_listen, names_of_bundles
        from apps.gateways.services import clusters, workspaces
        from apps.gateways.views.stuck import concerns, count_stuck
        from apps.tenants.residents import register_resident

        register_topic("gateway", can_listen)
        register_check(check_gateway_databases)
        register_resident(
            suspend=workspaces.hold_gateways,
            resume=workspaces.release_gateways,
            reasons_to_keep=workspaces.reasons_to_keep,
        )
        register_machine(GATEWAY)
        register_machine(DOMAIN)
        register_machine(CUSTOM_DOMAIN)
        register_namer("gateway", names_of_bundles)
        register_owner("gateway", hear_of_bundles)
        register_forgetter(clusters.forget_deleted)
        register_part(demo.load)
        register_source(Source(_("Stuck gateways"), "stuck:list", count_stuck, concerns))
