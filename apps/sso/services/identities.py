"""Who somebody from a provider is here: found by the subject, by an address that is vouched for, or new."""

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.models import User
from apps.audit.changes import fields_of
from apps.audit.services import Actor, record
from apps.core import clock
from apps.core.errors import Conflict
from apps.core.mail import public_url, send_mail
from apps.sso import selectors
from apps.sso.arrivals import Arrival
from apps.sso.models import GivenRole, IdentityProvider, LinkedIdentity
from apps.sso.oidc.problems import (
    AddressMissing,
    AddressNotVouched,
    AddressUnverified,
    LinkByHand,
    LinkedToAnother,
    NoRole,
    ProviderDisabled,
)
from apps.tenants.models import Membership
from apps.tenants.operators import require_operator
from apps.tenants.selectors import invitations_to
from apps.tenants.services import follow_groups


def sign_in(*, provider: IdentityProvider, arrival: Arrival) -> LinkedIdentity:
    """Find or make the person, and let their roles follow their groups.

    Somebody for whom no workspace is left is refused only after that: what the groups took away stays taken away.
    """
    with transaction.atomic():
        _require_enabled(provider)
        identity = _find(provider, arrival) or _arrive(provider, arrival)
        if identity.person.is_active:
            _use(identity, arrival)
        is_welcome = _has_a_place(identity.person)
    if not is_welcome:
        raise _no_role(provider, arrival)
    return identity


@transaction.atomic
def link_identity(*, actor: User, provider: IdentityProvider, arrival: Arrival) -> LinkedIdentity:
    """Somebody who is signed in shows that this is them too. The address needn't be the same."""
    _require_enabled(provider)
    identity = _find(provider, arrival)
    if identity is not None and identity.person_id != actor.pk:
        raise LinkedToAnother
    if identity is None:
        if selectors.list_identities(actor=actor).filter(provider=provider).exists():
            raise Conflict(
                _("Another identity at %(provider)s is linked to your account. Unlink that one first.")
                % {"provider": provider}
            )
        identity = _link(provider, arrival, actor)
        _tell_linked(identity)
    _use(identity, arrival)
    return identity


@transaction.atomic
def unlink_identity(*, actor: Actor, identity: LinkedIdentity) -> None:
    """One's own, or by an administrator anybody's. The roles that came with it end; nobody is locked out by it."""
    person = identity.person
    if actor.pk != person.pk:
        require_operator(actor, "identities.unlink", is_hidden=True)
    others = selectors.list_usable_identities(actor=person).exclude(pk=identity.pk)
    if actor.pk == person.pk and not person.has_usable_password() and not others.exists():
        raise Conflict(_("It's the only way in which you can sign in. Set a password first."))
    within = _given_tenants(identity)
    GivenRole.objects.filter(identity=identity).delete()
    _follow(identity, within)
    record(
        actor=actor,
        verb="identity.unlinked",
        target=person,
        before={"provider": identity.provider.name, "email": identity.email},
    )
    identity.delete()


# --- Finding the person ----------------------------------------------------------------------------


def _find(provider: IdentityProvider, arrival: Arrival) -> LinkedIdentity | None:
    rows = LinkedIdentity.objects.select_related("person", "provider").select_for_update(of=("self",))
    return rows.filter(provider=provider, subject=arrival.subject).first()


def _arrive(provider: IdentityProvider, arrival: Arrival) -> LinkedIdentity:
    """The first time with this subject. Only an address that the provider may speak for tells who it is."""
    _require_vouched(provider, arrival)
    person = User.objects.filter(email__iexact=arrival.email).first()
    if person is None:
        return _link(provider, arrival, _register(provider, arrival))
    # An operator reaches everything, so no directory of somebody else's may hand out such an account
    if person.is_staff:
        raise LinkByHand
    if LinkedIdentity.objects.filter(provider=provider, person=person).exists():
        raise LinkByHand(
            _(
                "Your account is linked to another identity at %(provider)s. Sign in with your password, unlink that "
                "one on your account's page, and link this one."
            )
            % {"provider": provider}
        )
    identity = _link(provider, arrival, person)
    _tell_linked(identity)
    return identity


def _require_vouched(provider: IdentityProvider, arrival: Arrival) -> None:
    if not arrival.email:
        raise AddressMissing
    if not arrival.is_email_verified:
        raise AddressUnverified(reason="email_verified isn't true")
    if not provider.vouches_for(arrival.email):
        raise AddressNotVouched(reason=f"not among {provider.email_domains}")


def _register(provider: IdentityProvider, arrival: Arrival) -> User:
    """An account without a password, for somebody who gets a role or was invited."""
    if not selectors.roles_of_groups(provider, arrival.groups) and not invitations_to(arrival.email).exists():
        raise _no_role(provider, arrival)
    person = User(email=arrival.email, name=arrival.name)
    person.set_unusable_password()
    person.save(force_insert=True)
    record(actor=person, verb="account.signed_up", target=person, after=fields_of(person, ("email", "name")))
    return person


def _link(provider: IdentityProvider, arrival: Arrival, person: User) -> LinkedIdentity:
    identity = LinkedIdentity(provider=provider, subject=arrival.subject, person=person, email=arrival.email[:254])
    identity.save(force_insert=True)
    record(
        actor=person,
        verb="identity.linked",
        target=person,
        after={"provider": provider.name, "email": arrival.email},
    )
    return identity


def _tell_linked(identity: LinkedIdentity) -> None:
    """To somebody whose account was there before: another way into it is open now."""
    person = identity.person
    send_mail(
        to=person.email,
        subject=gettext_lazy("%(provider)s opens your account now"),
        template="identity_linked",
        context={
            "name": str(person),
            "provider": identity.provider.name,
            "email": identity.email or identity.subject,
            "account": public_url(reverse("account") + "#identities"),
        },
        language=person.language,
    )


# --- Roles -----------------------------------------------------------------------------------------


def _use(identity: LinkedIdentity, arrival: Arrival) -> None:
    """Note the visit and let roles follow the groups of this moment."""
    identity.email, identity.last_used_at = arrival.email[:254], clock.now()
    identity.save(update_fields=["email", "last_used_at"])
    # An owner who had to stay, as there was no other, has no group for it any more and may go by now
    before = _given_tenants(identity) | selectors.tenants_of_leftover_roles(identity.person)
    roles = selectors.roles_of_groups(identity.provider, arrival.groups)
    GivenRole.objects.filter(identity=identity).exclude(tenant__in=roles).delete()
    for tenant_id, role in roles.items():
        GivenRole.objects.update_or_create(identity=identity, tenant_id=tenant_id, defaults={"role": role})
    _follow(identity, before | roles.keys())


def _follow(identity: LinkedIdentity, within: set[str]) -> None:
    """Within the tenants that this identity spoke or speaks of. Another one of theirs may give a role there too."""
    roles = {tenant: role for tenant, role in selectors.roles_of_person(identity.person).items() if tenant in within}
    follow_groups(actor=identity.provider, person=identity.person, roles=roles, within=within)


def _given_tenants(identity: LinkedIdentity) -> set[str]:
    return set(GivenRole.objects.filter(identity=identity).values_list("tenant_id", flat=True))


def _has_a_place(person: User) -> bool:
    return (
        person.is_staff
        # Told by the sign-in's own page
        or not person.is_active
        or Membership.objects.filter(person=person).exists()
        or invitations_to(person.email).exists()
    )


def _no_role(provider: IdentityProvider, arrival: Arrival) -> NoRole:
    return NoRole(email=arrival.email, groups=list(arrival.groups), wanted=selectors.list_known_groups(provider))


def _require_enabled(provider: IdentityProvider) -> None:
    """As it is now: it may have been turned off since somebody left for it."""
    if not IdentityProvider.objects.filter(pk=provider.pk, is_enabled=True).exists():
        raise ProviderDisabled
