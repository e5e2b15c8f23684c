from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FunctionsConfig(AppConfig):
    name = "apps.functions"
    label = "functions"
    verbose_name = _("Functions")

    def ready(self) -> None:
        from apps.accounts.demo import register_part
        from apps.core.doctor.services import register_check
        from apps.functions import demo
        from apps.functions.dependencies.selectors import count_dependencies
        from apps.functions.doctor import check_functions
        from apps.functions.ending import remove_functions
        from apps.functions.examples import example_of
        from apps.functions.publishing import publish_all
        from apps.functions.selectors import count_functions, count_in_stages
        from apps.functions.views.overview import PART, functions_card
        from apps.gateways.examples import register_example
        from apps.gateways.lifecycle.belongings import register_belonging
        from apps.gateways.lifecycle.contents import register_contents
        from apps.gateways.overview import Card, register_card
        from apps.gateways.stage_counts import register_counter
        from apps.gateways.tabs import Tab, register_tab

        register_belonging("functions", remove_functions)
        register_part(demo.load)
        register_counter(count_in_stages)
        register_example(example_of)
        register_contents(publish_all)
        register_check(check_functions)
        register_card(Card(PART, functions_card, place=10, permission="functions.read"))
        register_tab(
            Tab("functions", _("Functions"), "functions:list", 20, permission="functions.read", count=count_functions)
        )
        register_tab(
            Tab(
                "dependencies",
                _("Dependencies"),
                "dependencies:list",
                30,
                permission="functions.read",
                count=count_dependencies,
            )
        )
        register_tab(Tab("bin", _("Recycle bin"), "functions:bin", 110, permission="functions.read"))
