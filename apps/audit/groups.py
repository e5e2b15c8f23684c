"""Verbs that belong together, for those who look for a kind of thing that happened and not for one verb."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from apps.audit.verbs import VERBS, text_of
from apps.core.errors import Text


@dataclass(frozen=True)
class VerbGroup:
    """A verb belongs to the first group that has a beginning of it. No slug has a dot, as every verb does."""

    slug: str
    label: Text
    beginnings: tuple[str, ...]

    @property
    def verbs(self) -> list[str]:
        return [verb for verb in VERBS if group_of(verb) is self]


GROUPS = (
    VerbGroup(
        "sign-ins",
        _("Sign-ins and sessions"),
        (
            "account.signed_in",
            "account.signed_out",
            "account.sign_in_",
            "account.recovery_code_used",
            "account.browser_trusted",
            "account.session_",
            "account.other_sessions_",
        ),
    ),
    VerbGroup("accounts", _("Accounts"), ("account.", "person.")),
    VerbGroup("tokens", _("Access tokens"), ("token.",)),
    VerbGroup("members", _("Members and roles"), ("member.", "invitation.")),
    VerbGroup("workspaces", _("Workspaces"), ("tenant.",)),
    VerbGroup("gateways", _("Function gateways"), ("gateway.", "data.")),
    VerbGroup("functions", _("Functions"), ("function.", "dependencies.", "trigger.")),
    VerbGroup("fleet", _("Clusters and agents"), ("cluster.", "agent.")),
    VerbGroup("sso", _("Single sign-on"), ("sso.", "identity.")),
    VerbGroup("operators", _("Operators' work"), ("view_as.", "task.", "mail.")),
)
OTHERS = VerbGroup("others", _("Others"), ("",))


def group_of(verb: str) -> VerbGroup:
    return next((group for group in GROUPS if verb.startswith(group.beginnings)), OTHERS)


def with_members(names: Iterable[str]) -> list[str]:
    """Verbs, where a group stands for all of its own."""
    groups = {group.slug: group for group in (*GROUPS, OTHERS)}
    found = (groups[name].verbs if name in groups else [name] for name in names)
    return list(dict.fromkeys(verb for verbs in found for verb in verbs))


def verb_choices() -> list[tuple[str, str]]:
    """For programs: every group and every verb, by the name that stands in the address."""
    return [(name, name) for name in (*(group.slug for group in used_groups()), *sorted(VERBS))]


def grouped_verb_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """For people: each group with its verbs, the object's name left open."""
    return [
        (str(group.label), [(group.slug, _all_of(group)), *((verb, _sentence(verb)) for verb in group.verbs)])
        for group in used_groups()
    ]


def used_groups() -> Iterator[VerbGroup]:
    return (group for group in (*GROUPS, OTHERS) if group.verbs)


def _all_of(group: VerbGroup) -> str:
    return str(_("%(group)s: all")) % {"group": group.label}


def _sentence(verb: str) -> str:
    return str(text_of(verb)) % {"target": "…"}
