import pytest

from apps.audit.models import AuditEvent
from apps.core.errors import InvalidInput, NotAllowed
from apps.tenants import selectors, services
from apps.tenants.models import Invitation, Membership, Tenant
from apps.tenants.roles import Kind, Role
from tests.tenants.contract import TenantServiceContract
from tests.tenants.links import token_in_mail_to

pytestmark = pytest.mark.django_db


class TestCreateProvider(TenantServiceContract):
    verb = "tenant.created"
    also = ("member.invited",)
    allowed = ("administrator",)
    refused = dict.fromkeys(["alice", "bob", "charlie", "operator"], NotAllowed)

    def make(self, alice, bob) -> None:
        return None

    def call(self, actor, row) -> Tenant:
        return services.create_provider(actor=actor, name="Reyes Books", owner_email="zoe@reyes.example")


def test_its_first_owner_is_invited_and_owns_it_once_they_accept(yuna):
    made = services.create_provider(actor=yuna, name=" Reyes  Books ", slug="reyes", owner_email=" Zoe@reyes.example")
    assert (made.name, made.slug, made.kind) == ("Reyes Books", "reyes", Kind.PROVIDER)
    assert not Membership.objects.exists()
    invitation = selectors.invitation_of(token_in_mail_to("zoe@reyes.example"))
    services.join_by_invitation(invitation=invitation, password="a-long-tide-4711")
    assert Membership.objects.get(tenant=made).role == Role.OWNER


def test_both_are_in_the_new_workspace_s_log(yuna):
    made = services.create_provider(actor=yuna, name="Reyes Books", owner_email="zoe@reyes.example")
    assert set(AuditEvent.objects.values_list("tenant_id", flat=True)) == {made.pk}


@pytest.mark.parametrize("name", ["한빛데이터", "!!!", "Reyes Books", "x" * 80])
def test_a_name_without_an_address_gets_one_that_says_nothing_of_others(yuna, name):
    slugs = {services.create_provider(actor=yuna, name=name, owner_email="zoe@reyes.example").slug for _ in range(2)}
    assert len(slugs) == 2
    for slug in slugs:
        assert services.tenants.SLUG.fullmatch(slug)
        assert len(slug) <= 40


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "Open https://evil.example"}, "name"),
        ({"slug": "Reyes"}, "slug"),
        ({"slug": "re"}, "slug"),
        ({"slug": "-reyes"}, "slug"),
        ({"slug": "rey/es"}, "slug"),
        ({"slug": "tidewater"}, "slug"),
        ({"owner_email": "zoe"}, "owner_email"),
    ],
)
def test_what_will_not_do_is_named_by_its_field(yuna, tidewater, given, field):
    with pytest.raises(InvalidInput) as caught:
        services.create_provider(actor=yuna, **{"name": "Reyes", "owner_email": "zoe@reyes.example", **given})
    assert list(caught.value.fields) == [field]
    assert Tenant.objects.get() == tidewater
    assert not Invitation.objects.exists()
