"""How functions look to people in lists: their standing in a word, and what can be done with them."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from apps.core.errors import Text
from apps.functions.models import Function
from apps.functions.publishing import standing_of
from apps.functions.services.locking import SAVE
from apps.functions.views.about import edit_url, url_of
from apps.gateways.selectors import stages_where
from apps.tenants.member import Member


@dataclass(frozen=True)
class ShownLive:
    word: Text
    tone: str
    detail: Text = ""


@dataclass(frozen=True)
class Offer:
    name: str
    label: Text
    icon: str
    url: str
    overlay: str = "dialog"
    is_dangerous: bool = False


def live_of(row: Function) -> ShownLive:
    live = standing_of(row)
    match live.state:
        case "live":
            return ShownLive(pgettext("a function", "live"), "ok")
        case "publishing":
            return ShownLive(_("being published"), "busy")
        case "waiting":
            return ShownLive(_("waits for the gateway"), "idle")
        case _:
            return ShownLive(_("not live"), "bad", live.error or "")


def offers_for(row: Function, actor: Member) -> list[Offer]:
    found = [
        Offer("edit", _("Open in the editor"), "fn", edit_url(row), overlay=""),
        Offer("versions", _("Versions"), "clock", url_of("versions", row), overlay=""),
    ]
    if actor.may(SAVE, stage=row.stage):
        found.append(Offer("change", _("Change settings"), "gear", url_of("change", row), "sheet"))
        found.append(Offer("rename", pgettext("a function", "Rename"), "edit", url_of("rename", row)))
    if stages_for(actor):
        found.append(Offer("copy", _("Copy"), "copy", url_of("copy", row)))
    if actor.may(SAVE, stage=row.stage):
        found.append(Offer("delete", _("Delete"), "trash", url_of("delete", row), is_dangerous=True))
    return found


def stages_for(actor: Member) -> list[str]:
    """In which somebody may write."""
    return stages_where(actor, SAVE)
