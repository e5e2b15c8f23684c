from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.ids import IdField
from apps.core.versions import Versioned
from apps.gateways.models import FunctionGateway
from apps.tenants.models import TenantOwned

KEEP_DAYS, MOST_DAYS = 7, 90
KEEP_MEGABYTES, LEAST_MEGABYTES, MOST_MEGABYTES = 512, 16, 10_240


class LogRetention(Versioned, TenantOwned):
    """How long a gateway's log is kept, and how much of it at most; without a row, as it is for all."""

    id = IdField(prefix="lgr")
    gateway = models.OneToOneField(FunctionGateway, on_delete=models.CASCADE, related_name="log_retention")
    gateway_id: str
    days = models.PositiveSmallIntegerField(_("days"), default=KEEP_DAYS)
    megabytes = models.PositiveIntegerField(_("megabytes"), default=KEEP_MEGABYTES)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("retention of a log")
        verbose_name_plural = _("retention of logs")

    def __str__(self) -> str:
        return f"log of {self.gateway_id}"
