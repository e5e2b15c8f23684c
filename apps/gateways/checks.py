"""What custom domains ask of settings, said at each start."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from apps.core.lifecycle.machine import STEP_TIMEOUT
from apps.gateways import dns


@register()
def check_dns(app_configs: Any = None, **options: Any) -> list[CheckMessage]:
    return list(_findings())


def _findings() -> Iterator[CheckMessage]:
    try:
        dns.servers(settings.DNS_SERVERS)
    except ImproperlyConfigured as error:
        yield Error(str(error), id="gateways.E001")
    if dns.WITHIN >= STEP_TIMEOUT:
        yield Error(
            f"Questions to DNS ({dns.WITHIN}) may take no less than a step ({STEP_TIMEOUT}).",
            hint="Lower apps.gateways.dns.WITHIN.",
            id="gateways.E002",
        )
