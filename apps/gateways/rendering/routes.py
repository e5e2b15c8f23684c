"""The routes of a gateway, through the one pipeline that all routes take."""

from typing import Any

from apps.gateways.rendering.spec import GatewaySpec


def render_routes(spec: GatewaySpec) -> list[dict[str, Any]]:
    return [
        {
            "api_version": "local.imp.dev/v1",
            "kind": "Routes",
            "namespace": spec.namespace,
            "name": "routes",
            "wave": 3,
            "spec": {"hosts": {host: stage.name for stage in spec.stages for host in stage.hosts}},
        }
    ]
