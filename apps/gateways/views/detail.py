"""A gateway's first page: what it's doing, where its stages answer, and the cards of what lies in it."""

from typing import Any

from apps.fleet.models import Bundle
from apps.fleet.selectors import bundle_of
from apps.gateways.overview import cards_of
from apps.gateways.rendering.names import bundle_key
from apps.gateways.stage_counts import functions_in_stages
from apps.gateways.views.live import Part
from apps.gateways.views.page import GatewayPage
from apps.gateways.views.parts import about_part, activity_part, domains_part, stage_part
from apps.gateways.views.shown import is_moving, places_of
from apps.gateways.views.timeline import timeline_parts


class Detail(GatewayPage):
    template_name = "gateways/detail.html"
    tab = "overview"

    def get_parts(self) -> list[Part]:
        gateway = self.with_stages
        routes = bundle_of(gateway.cluster_id, bundle_key(gateway.pk, "routes"))
        places = places_of(gateway, serves=_is_served(routes))
        counts = functions_in_stages(gateway)
        self.stages = [stage_part(gateway, place, counts.get(place.stage, 0)) for place in places]
        self.cards = cards_of(gateway, self.actor)
        return [
            *timeline_parts(gateway),
            *self.stages,
            *self.cards,
            domains_part(gateway, places),
            activity_part(gateway, self.actor),
            about_part(gateway),
        ]

    def get_context(self) -> dict[str, Any]:
        return {"is_moving": is_moving(self.gateway), "stages": self.stages, "cards": self.cards}


def _is_served(routes: Bundle | None) -> bool:
    """Routes that were reported once lead on until they're removed, also while others take their place."""
    return routes is not None and routes.removed_at is None and bool(routes.reported_digest)
