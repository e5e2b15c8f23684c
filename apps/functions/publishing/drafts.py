from datetime import timedelta

from apps.functions.compiling import Compiled
from apps.functions.dependencies.using import imports_of
from apps.functions.models import Draft
from apps.functions.problems import LoadFailed
from apps.functions.publishing.acks import wait_for_acks
from apps.functions.publishing.pushing import COUNT, take_counter
from apps.functions.publishing.wanted import put_artifact, put_vendors
from apps.functions.selectors import packages_of
from apps.gateways.store import connect

# Of a name that no caller can ask for; after it, the draft's id and the name of its function
MARK = "~"
CALLED_WITHIN = timedelta(minutes=10)
LOADED_WITHIN = 2.0
PUT = """
INSERT INTO imp.functions
    (name, function_id, revision, version, artifact, vendor, methods, timeout_ms, expires_at)
VALUES (%(name)s, %(function_id)s, %(revision)s, 0, %(artifact)s, %(vendor)s, %(methods)s, %(timeout_ms)s,
    clock_timestamp() + %(within)s)
ON CONFLICT (name) DO UPDATE SET revision = excluded.revision, artifact = excluded.artifact, vendor = excluded.vendor,
    methods = excluded.methods, timeout_ms = excluded.timeout_ms, is_deleted = false, expires_at = excluded.expires_at,
    published_at = clock_timestamp()
"""


def publish_draft(draft: Draft, compiled: Compiled) -> str:
    """The name under which the runtimes of its stage have it for a while. LoadFailed: they couldn't load it."""
    function = draft.function
    packages = packages_of(function.gateway)
    vendor = packages.digest if imports_of(compiled.code, packages.names) else ""
    digest, name = compiled.digest_with(vendor), f"{function.stage}/{MARK}{draft.pk}/{function.base_name}"
    values = {
        "name": name,
        "function_id": draft.pk,
        "artifact": digest,
        "vendor": vendor,
        "methods": list(function.methods),
        "timeout_ms": function.timeout_ms,
        "within": CALLED_WITHIN,
    }
    with connect(function.gateway_id) as there:
        revision = take_counter(there)
        put_artifact(there, digest, compiled.code, compiled.source_map)
        put_vendors(there, function.gateway_id, [vendor])
        revision += 1
        there.execute(PUT, {**values, "revision": revision})
        there.execute(COUNT, [revision])
    found = wait_for_acks(function.gateway_id, name, revision, within=LOADED_WITHIN)
    if found.error:
        raise LoadFailed(str(found.error.get("message", "")), stack=found.error.get("stack", ""))
    return name
