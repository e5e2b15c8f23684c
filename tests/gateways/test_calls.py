"""Each problem that callers of a gateway are told of has its page, and is named as its page names it."""

import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from agent.engine.listeners import REPLIES
from apps.core.errors import all_types
from apps.gateways.rendering import routes
from apps.gateways.rendering.spec import GatewaySpec, ProcessSpec, StageSpec

TITLES = {kind.slug: str(kind.title) for kind in all_types()}
TYPESCRIPT = [path.read_text() for path in Path(settings.BASE_DIR, "runtime", "src").glob("*.ts")]


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply[1])
def test_what_envoy_says_has_its_page(client: Client, db: None, reply: tuple[list[str], str, str, str]) -> None:
    _, slug, title, _ = reply
    assert TITLES[slug] == title
    assert client.get(f"/errors/{slug}").status_code == 200


def test_what_the_runtime_says_has_its_page() -> None:
    said = [
        pair
        for text in TYPESCRIPT
        for pair in re.findall(r'slug: "([a-z-]+)",\n\s+title: "([^"]+)"', text)
        if "Deno.test" not in text
    ]
    assert {slug for slug, _ in said} >= {"no-such-function", "no-such-stage", "too-large", "internal-error"}
    assert dict(said) == {slug: TITLES[slug] for slug, _ in said}


def test_a_stage_that_is_switched_off_says_so_with_the_address_of_the_page() -> None:
    spec = GatewaySpec(
        id="gw_1", name="parcels", title="Parcels", namespace="ns", milli_cpu=1, memory_mb=1, restarts=0,
        stages=(StageSpec("dev", ("parcels.dev.localhost",), "Back at noon.", is_active=False),),
        processes=(), routed=(ProcessSpec("main", ("dev",)),), database_url="", variables={}, secrets={},
        problem_types="https://console.example/errors/",
    )  # fmt: skip
    [manifest] = routes.render_routes(spec)
    [route] = manifest["spec"]["resources"][0]["resource"]["virtual_hosts"][0]["routes"]
    problem = json.loads(route["direct_response"]["body"]["inline_string"])
    assert problem == {
        "type": "https://console.example/errors/stage-inactive",
        "title": TITLES["stage-inactive"],
        "status": 503,
        "detail": "Back at noon.",
    }
