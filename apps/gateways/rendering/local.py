"""For the built-in engine of one machine: manifests of its own kinds, which its agent's applier brings about."""

import hashlib
import json
from typing import Any

from apps.gateways.rendering.spec import GatewaySpec, ProcessSpec

API_VERSION = "local.imp.dev/v1"
CONFIGURATION = "configuration"
# Where what functions say goes: here into the gateway's own database
LOGS = "database"
Manifest = dict[str, Any]


def render_namespace(spec: GatewaySpec) -> list[Manifest]:
    return [manifest(spec, "Namespace", spec.namespace, 0, {"gateway": spec.id})]


def render_configuration(spec: GatewaySpec) -> list[Manifest]:
    return [manifest(spec, "Configuration", CONFIGURATION, 1, _configuration(spec))]


def render_runtime(spec: GatewaySpec, processes: tuple[ProcessSpec, ...]) -> list[Manifest]:
    """A manifest for each process. A change of the configuration is one of theirs, by its digest."""
    digest = hashlib.sha256(json.dumps(_configuration(spec), sort_keys=True).encode()).hexdigest()
    return [
        manifest(
            spec,
            "Runtime",
            process.name,
            2,
            {
                "gateway": {"id": spec.id, "name": spec.name, "title": spec.title},
                "stages": list(process.stages),
                "milli_cpu": spec.milli_cpu,
                "memory_mb": spec.memory_mb,
                "restarts": spec.restarts,
                "problem_types": spec.problem_types,
                "configuration": {"name": CONFIGURATION, "digest": digest},
            },
        )
        for process in processes
    ]


def _configuration(spec: GatewaySpec) -> dict[str, Any]:
    return {
        "variables": spec.variables,
        "secrets": spec.secrets,
        "database_url": spec.database_url,
        "runtime_url": spec.runtime_url,
        "run_key": spec.run_key,
        "egress": {"mode": spec.egress_mode, "hosts": list(spec.egress_hosts)},
        "logs": LOGS,
    }


def manifest(spec: GatewaySpec, kind: str, name: str, wave: int, content: dict[str, Any]) -> Manifest:
    return {
        "api_version": API_VERSION,
        "kind": kind,
        "namespace": spec.namespace,
        "name": name,
        "wave": wave,
        "spec": content,
    }
