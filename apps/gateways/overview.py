"""The cards of a gateway's first page, one below the other. An app that keeps something in gateways has its own there:

register_card(Card("functions-by-stage", functions_card, place=10, permission="functions.read"))
"""

from collections.abc import Callable
from dataclasses import dataclass

from apps.gateways.models import FunctionGateway
from apps.gateways.views.live import Part
from apps.gateways.views.parts import call_card, runtime_card
from apps.tenants.member import Member

Make = Callable[[FunctionGateway, Member], Part]


@dataclass(frozen=True)
class Card:
    """`make` gives a part with `name` as its id, which comes anew where it has changed. `place` is its order.

    What takes long, or asks another database, gives a frame that asks for its content by itself.
    """

    name: str
    make: Make
    place: int
    permission: str = "gateways.read"


_cards: dict[str, Card] = {}


def register_card(card: Card) -> None:
    _cards[card.name] = card


def cards_of(gateway: FunctionGateway, actor: Member) -> list[Part]:
    """Those with something that somebody may see."""
    cards = sorted(_cards.values(), key=lambda card: card.place)
    return [card.make(gateway, actor) for card in cards if actor.may(card.permission)]


for _card in (
    Card("call-it", call_card, 20, permission="functions.read"),
    Card("runtime", runtime_card, 30),
):
    register_card(_card)
