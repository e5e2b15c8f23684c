"""What every service of a workspace promises: the wall around it, and the roles in it."""

from abc import abstractmethod
from itertools import count
from typing import Any, ClassVar

import pytest

from apps.accounts.models import User
from apps.core.errors import NotAllowed, NotFound, Problem
from apps.tenants.member import Member
from apps.tenants.models import Invitation, Membership, Tenant
from apps.tenants.roles import Role
from apps.tenants.services.links import send_link
from tests.contracts.service import ServiceContract
from tests.people import make_person
from tests.tenants.world import join, member

_numbers = count(1)


def someone() -> User:
    """Each time another person, who is in no workspace."""
    return make_person(f"someone{next(_numbers)}")


def some_address() -> str:
    return f"nobody{next(_numbers)}@reyes.example"


def make_invitation(tenant: Tenant, by: User, email: str = "", role: str = Role.QA) -> Invitation:
    """One that waits for an answer; its token is gone with the mail."""
    invitation = Invitation(tenant=tenant, email=email or some_address(), role=role)
    send_link(invitation, actor=by)
    invitation.save(force_insert=True)
    return invitation


class TenantServiceContract(ServiceContract):
    """`act` calls the service as a member. Charlie is an owner too, but elsewhere; olivia and yuna run the platform."""

    watched = (Tenant, Membership, Invitation)
    allowed = ("alice", "administrator")
    refused: ClassVar[dict[str, type[Problem]]] = {"bob": NotAllowed, "charlie": NotFound, "operator": NotAllowed}

    tidewater: Tenant
    hanbit: Tenant

    @pytest.fixture
    def actors(
        self, alice: User, bob: User, charlie: User, operator: User, yuna: User, tidewater: Tenant, hanbit: Tenant
    ) -> Any:
        self.tidewater, self.hanbit = tidewater, hanbit
        return {"alice": alice, "bob": bob, "charlie": charlie, "operator": operator, "administrator": yuna}

    def call(self, actor: User, row: Any) -> Any:
        return self.act(self.as_member(actor), row)

    @abstractmethod
    def act(self, actor: Member, row: Any) -> Any: ...

    def as_member(self, person: User) -> Member:
        if person.is_staff:
            return Member.of_operator(person, self.tidewater)
        at_home = Membership.objects.filter(person=person, tenant=self.hanbit).exists()
        return member(person, self.hanbit if at_home else self.tidewater)

    def make_member_of(self, tenant: Tenant, role: str = Role.QA) -> Membership:
        """Somebody new, as the row that a service gets."""
        return join(someone(), tenant, role)


class WorkspaceServiceContract(TenantServiceContract):
    """What is a workspace's own to do: operators, who may look into it, do none of it."""

    allowed = ("alice",)
    refused: ClassVar[dict[str, type[Problem]]] = {**TenantServiceContract.refused, "administrator": NotAllowed}
