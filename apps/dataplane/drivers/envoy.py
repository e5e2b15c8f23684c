"""Envoy's own resources, as its JSON. Names are stable, so that an update of one touches no other."""

import json
from typing import Any

from apps.dataplane.ir import Answer, Forward, Route, RouteTable, VirtualHost

ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
SCOPE = "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration"

Resource = dict[str, Any]


def render_routes(table: RouteTable) -> list[Resource]:
    """The route configuration, and a scope for each host that leads to it."""
    routes = {
        "name": table.name,
        "virtual_hosts": [_virtual_host(each) for each in table.virtual_hosts],
    }
    scopes = [_scope(host, table.name) for each in table.virtual_hosts for host in each.hosts]
    return [_resource(ROUTES, routes), *(_resource(SCOPE, scope) for scope in sorted(scopes, key=_name))]


def _resource(type_url: str, content: Resource) -> Resource:
    return {"type_url": type_url, "name": content["name"], "resource": content}


def _name(content: Resource) -> str:
    return str(content["name"])


def _scope(host: str, table: str) -> Resource:
    return {"name": host, "route_configuration_name": table, "key": {"fragments": [{"string_key": host}]}}


def _virtual_host(host: VirtualHost) -> Resource:
    return {
        "name": host.name,
        "domains": sorted(host.hosts),
        "routes": [_route(each) for each in host.routes],
    }


def _route(route: Route) -> Resource:
    rendered: Resource = {"name": route.name, "match": {"prefix": route.prefix}}
    match route.action:
        case Forward(destination, add_prefix):
            # Streams last as long as they like; each call's own limit is the runtime's
            action: Resource = {"cluster": destination, "timeout": "0s"}
            if add_prefix:
                action["prefix_rewrite"] = add_prefix + route.prefix
            rendered["route"] = action
        case Answer(status, slug, title, detail):
            problem = {"type": f"/errors/{slug}", "title": title, "status": status, "detail": detail}
            rendered["direct_response"] = {
                "status": status,
                "body": {"inline_string": json.dumps(problem, ensure_ascii=False, sort_keys=True)},
            }
            rendered["response_headers_to_add"] = [
                {
                    "header": {"key": "content-type", "value": "application/problem+json"},
                    "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
                }
            ]
    return rendered
