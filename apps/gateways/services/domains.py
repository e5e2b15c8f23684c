"""Custom domains: the host names of its workspace's own that a stage answers to."""

import secrets
from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.audit.services import record
from apps.core import clock
from apps.core.errors import InvalidInput, NotFound, TooManyRequests
from apps.core.lifecycle import wake
from apps.core.names import tidy_name
from apps.fleet.models import Cluster
from apps.gateways.hosts import host_of, refusal_of_host
from apps.gateways.lifecycle.custom_domains import CUSTOM_DOMAIN
from apps.gateways.lifecycle.machines import reroute
from apps.gateways.models import CustomDomain, FunctionGateway, Stage
from apps.gateways.selectors import custom_domain_of
from apps.gateways.services.wishing import lock_gateway, lock_stage, require_staying, save_wish
from apps.tenants.member import Member

# Of one domain, by hand
BETWEEN_CHECKS = timedelta(seconds=10)
WANTED = gettext_noop("%(host)s wanted for %(stage)s.")
REMOVED = gettext_noop("%(host)s removed from %(stage)s.")
ASKED = gettext_noop("%(host)s checked by hand.")


@transaction.atomic
def set_domain(
    *, actor: Member, gateway: FunctionGateway, stage: str, host: str, version: int | None = None
) -> FunctionGateway:
    """It's served once a record has proven it. Another one that the stage had before goes at once."""
    actor, gateway, row = _lock(actor, gateway, stage, version=version)
    host = _checked_host(actor, gateway, row, host)
    before = custom_domain_of(row)
    if before is not None and before.host == host:
        return gateway
    if before is not None:
        _remove(before)
    domain = CustomDomain(
        tenant=gateway.tenant,
        gateway=gateway,
        stage=row,
        cluster_id=gateway.cluster_id,
        host=host,
        token=f"imp-{secrets.token_hex(16)}",
        # At rest until it's woken, so that a worker is told at once
        due_at=None,
    )
    domain.save(force_insert=True)
    wake(CUSTOM_DOMAIN, domain.pk)
    gateway = save_wish(gateway, actor=actor, because=WANTED, host=host, stage=stage)
    told = {"stage": stage, "host": before.host} if before else None
    record(actor=actor, verb="gateway.domain_set", target=gateway, before=told, after={"stage": stage, "host": host})
    return gateway


@transaction.atomic
def remove_domain(
    *, actor: Member, gateway: FunctionGateway, stage: str, version: int | None = None
) -> FunctionGateway:
    """Calls to it get 404 from then on, and others may prove it."""
    actor, gateway, row = _lock(actor, gateway, stage, version=version)
    domain = _domain_of(row)
    _remove(domain)
    gateway = save_wish(gateway, actor=actor, because=REMOVED, host=domain.host, stage=stage)
    record(actor=actor, verb="gateway.domain_removed", target=gateway, before={"stage": stage, "host": domain.host})
    return gateway


@transaction.atomic
def check_domain(*, actor: Member, gateway: FunctionGateway, stage: str) -> FunctionGateway:
    """Look for its record now, not when it's due. Its waits begin anew."""
    actor, gateway, row = _lock(actor, gateway, stage)
    domain, moment = _domain_of(row), clock.now()
    if domain.asked_at is not None and moment < domain.asked_at + BETWEEN_CHECKS:
        left = max(1, round((domain.asked_at + BETWEEN_CHECKS - moment).total_seconds()))
        text = _("It was checked a moment ago. Wait %(seconds)d s.") % {"seconds": left}
        raise TooManyRequests(text, headers={"Retry-After": str(left)})
    CustomDomain.objects.of(actor.tenant).filter(pk=domain.pk).update(asked_at=moment, check_at=None)
    wake(CUSTOM_DOMAIN, domain.pk)
    record(actor=actor, verb="gateway.domain_checked", target=gateway, after={"stage": stage, "host": domain.host})
    return gateway


def _lock(
    actor: Member, gateway: FunctionGateway, stage: str, *, version: int | None = None
) -> tuple[Member, FunctionGateway, Stage]:
    actor, gateway = lock_gateway(actor, gateway, "gateways.operate", version=version, with_domain=True)
    require_staying(gateway)
    return actor, gateway, lock_stage(actor, gateway, stage)


def _checked_host(actor: Member, gateway: FunctionGateway, stage: Stage, text: str) -> str:
    host = host_of(tidy_name(text))
    # Those of all clusters: in the other ones a host could still be taken for the platform's
    if refusal := refusal_of_host(host, platform=Cluster.objects.values_list("domain", flat=True)):
        raise InvalidInput(fields={"host": [refusal]})
    others = CustomDomain.objects.of(actor.tenant).filter(cluster_id=gateway.cluster_id, host=host)
    other = others.exclude(stage=stage).select_related("gateway", "stage").first()
    if other is not None:
        words = {"host": host, "gateway": other.gateway, "stage": other.stage}
        raise InvalidInput(
            fields={"host": [_("%(host)s is %(stage)s's of %(gateway)s. Remove it there first.") % words]}
        )
    return host


def _domain_of(stage: Stage) -> CustomDomain:
    found = custom_domain_of(stage)
    if found is None:
        raise NotFound(_("%(stage)s has no domain of its own.") % {"stage": stage})
    return found


def _remove(domain: CustomDomain) -> None:
    CustomDomain.objects.filter(pk=domain.pk).delete()
    if domain.proven_at is not None:
        reroute(domain.gateway_id)
