"""What of Envoy's configuration is the engine's own: where calls arrive, and the processes that they go to."""

import asyncio
from pathlib import Path
from typing import Any

from agent.engine.resources import CLUSTER, ENDPOINTS, Resources

ADS = {"ads": {}, "resource_api_version": "V3"}
TYPE = "type.googleapis.com/envoy."
MAIN = "main"
PROBE = "imp-probe"
# What only this engine and what stands before it may say, and what programs take for the truth about a call
NOT_FROM_CALLERS = (
    "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-prefix", "x-forwarded-proto",
    "x-original-url", "x-real-ip", "x-rewrite-url",
)  # fmt: skip
OURS = ("x-imp-", "x-envoy-")
HEADERS_WITHIN, IDLE_WITHIN = "15s", "300s"
# Envoy has said that it knows; until its workers have let go of a socket that was taken from them
LET_GO_SECONDS = 0.3
# What is held of a call while the other side is slow
BUFFER_BYTES = 64 * 1024
# Scopes are found by the exact host, and names of hosts know no case. Functions never see the probe's secret. TRACE
# would give a caller's headers to whoever makes their browser send it
FILTER = """
function envoy_on_request(handle)
  local headers = handle:headers()
  if headers:get("{probe}") == "{secret}" then
    handle:streamInfo():dynamicMetadata():set("imp", "probe", "yes")
  end
  headers:remove("{probe}")
  if headers:get(":method") == "TRACE" then
    handle:respond({{[":status"] = "405", ["content-type"] = "text/plain"}}, "TRACE isn't allowed.")
    return
  end
  local host = headers:get(":authority")
  if host and host ~= string.lower(host) then
    headers:replace(":authority", string.lower(host))
    handle:clearRouteCache()
  end
end
"""


class Destination:
    """A name that routes lead to, and the processes behind it. One that is taken out gets no new calls."""

    def __init__(self, resources: Resources, name: str) -> None:
        self._resources = resources
        self._name = name

    def lead_to(self, sockets: list[Path]) -> None:
        self._resources.put(CLUSTER, self._name, _cluster(self._name))
        self._resources.put(ENDPOINTS, self._name, _endpoints(self._name, sockets))

    async def settled(self) -> None:
        """Until Envoy knows; however long it's away."""
        await self._resources.settle([(ENDPOINTS, self._name)])

    async def let_go(self) -> None:
        """Until no call comes to a socket any more that was taken out."""
        await self.settled()
        if not self._resources.is_closed:
            await asyncio.sleep(LET_GO_SECONDS)

    def remove(self) -> None:
        self._resources.remove(CLUSTER, self._name)
        self._resources.remove(ENDPOINTS, self._name)


def _typed(name: str, **content: Any) -> dict[str, Any]:
    return {"@type": f"{TYPE}{name}", **content}


def render_listener(host: str, port: int, access_log: Path, *, probe: str, problem_types: str) -> dict[str, Any]:
    """Calls whose header `PROBE` holds that secret are the engine's own: nobody shall count them."""
    manager = _typed(
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="gateways",
        scoped_routes={
            "name": "gateways",
            "scope_key_builder": {
                "fragments": [{"header_value_extractor": {"name": ":authority", "element_separator": ":", "index": 0}}]
            },
            "rds_config_source": {**ADS, "initial_fetch_timeout": "2s"},
            "scoped_rds": {"scoped_rds_config_source": ADS},
        },
        http_filters=[
            {
                "name": "first",
                "typed_config": _typed(
                    "extensions.filters.http.lua.v3.Lua",
                    default_source_code={"inline_string": FILTER.format(probe=PROBE, secret=probe)},
                ),
            },
            {"name": "router", "typed_config": _typed("extensions.filters.http.router.v3.Router")},
        ],
        access_log=[
            {
                "name": "file",
                "filter": {
                    "metadata_filter": {
                        "matcher": {
                            "filter": "imp",
                            "path": [{"key": "probe"}],
                            # Never so where it's there: Envoy doesn't look at `invert` here
                            "value": {"string_match": {"exact": "no"}},
                        },
                        "match_if_key_not_found": True,
                    }
                },
                "typed_config": _typed(
                    "extensions.access_loggers.file.v3.FileAccessLog",
                    path=str(access_log),
                    log_format={"json_format": ACCESS_LOG},
                ),
            }
        ],
        normalize_path=True,
        merge_slashes=True,
        path_with_escaped_slashes_action="KEEP_UNCHANGED",
        strip_any_host_port=True,
        strip_trailing_host_dot=True,
        use_remote_address=True,
        early_header_mutation_extensions=[
            {
                "name": "not-from-callers",
                "typed_config": _typed(
                    "extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
                    mutations=[
                        *({"remove": name} for name in NOT_FROM_CALLERS),
                        *({"remove_on_match": {"key_matcher": {"prefix": prefix}}} for prefix in OURS),
                    ],
                ),
            }
        ],
        upgrade_configs=[{"upgrade_type": "websocket"}],
        http2_protocol_options={
            "max_concurrent_streams": 100,
            "initial_stream_window_size": BUFFER_BYTES,
            "initial_connection_window_size": 16 * BUFFER_BYTES,
        },
        generate_request_id=True,
        always_set_request_id_in_response=True,
        common_http_protocol_options={"headers_with_underscores_action": "DROP_HEADER", "idle_timeout": IDLE_WITHIN},
        request_headers_timeout=HEADERS_WITHIN,
        stream_idle_timeout=IDLE_WITHIN,
        local_reply_config={"mappers": [_reply(problem_types, *each) for each in REPLIES]},
    )
    return {
        "name": MAIN,
        "address": {"socket_address": {"address": host, "port_value": port}},
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


ACCESS_LOG = {
    "at": "%START_TIME%",
    "route": "%ROUTE_NAME%",
    "destination": "%UPSTREAM_CLUSTER%",
    "host": "%REQ(:AUTHORITY)%",
    "method": "%REQ(:METHOD)%",
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "ms": "%DURATION%",
    "received": "%BYTES_RECEIVED%",
    "sent": "%BYTES_SENT%",
    "request_id": "%REQ(X-REQUEST-ID)%",
}


# What Envoy says where nobody else can: its flags, the problem's type, title and detail
REPLIES = (
    (["NR"], "no-such-host", "No gateway answers here", "Check the host name and the path."),
    (["UO"], "too-many-calls", "The gateway has too many calls at once", "Try again in a moment."),
    (["UH", "NC", "UF"], "runtime-away", "The gateway is not running", "It is being started, or it has stopped."),
    (["UC", "LR", "UR", "UPE"], "runtime-ended", "The gateway ended the call", "Try again; see its log for why."),
    (["UT", "SI", "DT"], "timed-out", "The gateway took too long", "Try again, or make the call shorter."),
)


def _reply(types: str, flags: list[str], slug: str, title: str, detail: str) -> dict[str, Any]:
    problem = {
        # Envoy puts in what a percent sign names
        "type": f"{types}{slug}".replace("%", "%%"),
        "title": title,
        "status": "%RESPONSE_CODE%",
        "detail": detail,
        "request_id": "%REQ(X-REQUEST-ID)%",
    }
    return {
        "filter": {"response_flag_filter": {"flags": flags}},
        "body_format_override": {"json_format": problem, "content_type": "application/problem+json"},
    }


def _cluster(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "EDS",
        "connect_timeout": "1s",
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "eds_cluster_config": {"eds_config": ADS},
        # A process that is being replaced may close what Envoy just wanted to use again
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": _typed(
                "extensions.upstreams.http.v3.HttpProtocolOptions",
                explicit_http_config={"http_protocol_options": {}},
                common_http_protocol_options={"idle_timeout": "30s"},
            )
        },
        # All calls of a process that has died wait for the next one
        "circuit_breakers": {"thresholds": [{"max_retries": 1024}]},
        "ignore_health_on_host_removal": True,
    }


def _endpoints(name: str, sockets: list[Path]) -> dict[str, Any]:
    endpoints = [{"endpoint": {"address": {"pipe": {"path": str(socket)}}}} for socket in sockets]
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]}
