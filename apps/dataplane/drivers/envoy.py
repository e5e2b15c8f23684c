"""Envoy's own resources, as its JSON. Names are stable, so that an update of one touches no other."""

import json
from typing import Any

from apps.dataplane.drivers import refuse_what_it_cannot
from apps.dataplane.ir import Ability, Answer, Forward, Route, RouteTable, VirtualHost

ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
SCOPE = "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration"

CAN = frozenset({Ability.ANSWER, Ability.ADD_PREFIX})

Resource = dict[str, Any]

# A call that has reached nobody: where its process has died, the next one is mostly there within a second. After some
# eight, or once it's known that none comes, it's refused. What was sent isn't sent again, as it may have been done
AGAIN: Resource = {
    "retry_on": "connect-failure,reset-before-request",
    "num_retries": 40,
    # The pauses are drawn by lot, up to twice as long each time
    "retry_back_off": {"base_interval": "0.05s", "max_interval": "0.4s"},
}


def render_routes(table: RouteTable, *, problem_types: str = "/errors/") -> list[Resource]:
    """The route configuration, and a scope for each host that leads to it.

    `problem_types` is where the pages about problems are: an address, where the portal's is known.
    """
    refuse_what_it_cannot(table, kind="envoy", can=CAN)
    routes = {
        "name": table.name,
        "virtual_hosts": [_virtual_host(each, problem_types) for each in table.virtual_hosts],
    }
    scopes = [_scope(host, table.name) for each in table.virtual_hosts for host in each.hosts]
    return [_resource(ROUTES, routes), *(_resource(SCOPE, scope) for scope in sorted(scopes, key=_name))]


def _resource(type_url: str, content: Resource) -> Resource:
    return {"type_url": type_url, "name": content["name"], "resource": content}


def _name(content: Resource) -> str:
    return str(content["name"])


def _scope(host: str, table: str) -> Resource:
    return {"name": host, "route_configuration_name": table, "key": {"fragments": [{"string_key": host}]}}


def _virtual_host(host: VirtualHost, problem_types: str) -> Resource:
    return {
        "name": host.name,
        "domains": sorted(host.hosts),
        "routes": [_route(each, problem_types) for each in host.routes],
    }


def _route(route: Route, problem_types: str) -> Resource:
    rendered: Resource = {"name": route.name, "match": {"prefix": route.prefix}}
    match route.action:
        case Forward(destination, add_prefix):
            # Streams last as long as they like; each call's own limit is the runtime's
            action: Resource = {"cluster": destination, "timeout": "0s", "retry_policy": AGAIN}
            if add_prefix:
                action["prefix_rewrite"] = add_prefix + route.prefix
            rendered["route"] = action
        case Answer(status, slug, title, detail):
            problem = {"type": problem_types + slug, "title": title, "status": status, "detail": detail}
            rendered["direct_response"] = {
                "status": status,
                "body": {"inline_string": json.dumps(problem, ensure_ascii=False, sort_keys=True)},
            }
            rendered["response_headers_to_add"] = [
                _header("content-type", "application/problem+json"),
                _header("cache-control", "no-store"),
            ]
    return rendered


def _header(name: str, value: str) -> Resource:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
