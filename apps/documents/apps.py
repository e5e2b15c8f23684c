from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DocumentsConfig(AppConfig):
    name = "apps.documents"
    label = "documents"
    verbose_name = _("Documents")

    def ready(self) -> None:
        from apps.gateways.tabs import Tab, register_tab

        register_tab(Tab("data", _("Data"), "documents:list", 60, permission="data.read"))
