"""Groups of verbs: every verb of the product is in one that has a name, and a filter finds it by that."""

from importlib.util import find_spec, module_from_spec

import pytest
from django.http import QueryDict

from apps.accounts.models import User
from apps.audit.filters import AuditEventFilter
from apps.audit.groups import GROUPS, OTHERS, group_of, grouped_verb_choices, verb_choices, with_members
from apps.audit.models import AuditEvent
from apps.audit.services import record


def verbs_of_the_product() -> list[str]:
    """Without those that apps of the tests declare: read from a copy of the module that they don't know."""
    spec = find_spec("apps.audit.verbs")
    assert spec is not None
    assert spec.loader is not None
    copy = module_from_spec(spec)
    spec.loader.exec_module(copy)
    return list(copy.VERBS)


def test_every_verb_of_the_product_is_in_a_group_with_a_name() -> None:
    homeless = [verb for verb in verbs_of_the_product() if group_of(verb) is OTHERS]
    assert not homeless, f"Put these into a group of apps/audit/groups.py: {homeless}"


def test_no_group_is_empty_or_named_like_a_verb() -> None:
    for group in GROUPS:
        assert group.verbs, f"{group.slug} has no verb"
        assert "." not in group.slug


@pytest.mark.parametrize(
    ("verb", "slug"),
    [
        ("account.signed_in", "sign-ins"),
        ("account.sign_in_failed", "sign-ins"),
        ("account.sign_up_started", "accounts"),
        ("account.signed_up", "accounts"),
        ("account.password_changed", "accounts"),
        ("account.session_revoked", "sign-ins"),
        ("member.removed", "members"),
        ("tenant.suspended", "workspaces"),
        ("no_such.verb", "others"),
    ],
)
def test_a_verb_belongs_where_people_look_for_it(verb: str, slug: str) -> None:
    assert group_of(verb).slug == slug


def test_a_group_stands_for_its_verbs_and_a_verb_for_itself() -> None:
    found = with_members(["members", "task.retried", "member.left"])
    assert "task.retried" in found
    assert "invitation.revoked" in found
    assert len(found) == len(set(found))
    assert with_members(["no_such.verb"]) == ["no_such.verb"]


def test_programs_and_people_choose_from_the_same() -> None:
    offered = {value for _group, choices in grouped_verb_choices() for value, _label in choices}
    assert offered == {value for value, _label in verb_choices()}


@pytest.mark.django_db
def test_the_filter_takes_groups_and_verbs_together(alice: User) -> None:
    events = [
        record(actor=alice, verb=verb, target=alice) for verb in ("account.signed_in", "task.retried", "person.changed")
    ]
    found = AuditEventFilter(QueryDict("verb=sign-ins&verb=person.changed"), AuditEvent.objects.order_by("at")).qs
    assert list(found) == [events[0], events[2]]
