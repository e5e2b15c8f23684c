"""The routes of a gateway, through the one pipeline that all routes take."""

from typing import Any

from apps.dataplane.drivers import envoy
from apps.dataplane.ir import Answer, Forward, Route, RouteTable, VirtualHost
from apps.gateways.rendering.local import manifest
from apps.gateways.rendering.spec import GatewaySpec, StageSpec


def render_routes(spec: GatewaySpec) -> list[dict[str, Any]]:
    resources = envoy.render_routes(route_table(spec), problem_types=spec.problem_types)
    return [manifest(spec, "Routes", "routes", 3, {"resources": resources})]


def route_table(spec: GatewaySpec) -> RouteTable:
    return RouteTable(spec.id, tuple(_virtual_host(spec, stage) for stage in spec.stages))


def _virtual_host(spec: GatewaySpec, stage: StageSpec) -> VirtualHost:
    action: Forward | Answer
    if stage.is_active:
        process = next(each.name for each in spec.routed if stage.name in each.stages)
        action = Forward(f"runtime/{spec.namespace}/{process}", add_prefix=f"/{stage.name}")
    else:
        action = Answer(503, "stage-inactive", "This stage is switched off", stage.inactive_because)
    return VirtualHost(stage.name, stage.hosts, (Route(stage.name, action),))
