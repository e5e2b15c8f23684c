"""A whole configuration around rendered routes, so that Envoy can be asked about them without running."""

from typing import Any

from apps.dataplane.drivers.envoy import ROUTES, SCOPE

MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"


def with_routes(resources: list[dict[str, Any]]) -> dict[str, Any]:
    tables = {each["name"]: each["resource"] for each in resources if each["type_url"] == ROUTES}
    scopes = []
    for each in resources:
        if each["type_url"] == SCOPE:
            # Without a server that gives routes by name they have to be inside
            scope = dict(each["resource"])
            table = tables[scope.pop("route_configuration_name")]
            scopes.append({**scope, "route_configuration": table})
    listeners = [_listener(index, table) for index, table in enumerate(tables.values())]
    return {
        "static_resources": {
            "listeners": [*listeners, *([_listener(len(tables), None, scopes)] if scopes else [])],
            "clusters": [_cluster(name) for name in sorted(_destinations(tables))],
        }
    }


def _listener(index: int, table: Any, scopes: Any = ()) -> dict[str, Any]:
    manager: dict[str, Any] = {
        "@type": MANAGER,
        "stat_prefix": "x",
        "http_filters": [{"name": "router", "typed_config": {"@type": ROUTER}}],
    }
    if table:
        manager["route_config"] = {**table, "validate_clusters": True}
    else:
        manager["scoped_routes"] = {
            "name": "x",
            "scope_key_builder": {
                "fragments": [{"header_value_extractor": {"name": ":authority", "element_separator": ":", "index": 0}}]
            },
            "rds_config_source": {"path_config_source": {"path": "/dev/null"}},
            "scoped_route_configurations_list": {"scoped_route_configurations": scopes},
        }
    return {
        "name": f"listener-{index}",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


def _destinations(tables: dict[str, Any]) -> set[str]:
    routes = [route for table in tables.values() for host in table["virtual_hosts"] for route in host["routes"]]
    return {route["route"]["cluster"] for route in routes if "route" in route}


def _cluster(name: str) -> dict[str, Any]:
    return {"name": name, "type": "STATIC", "load_assignment": {"cluster_name": name}}
