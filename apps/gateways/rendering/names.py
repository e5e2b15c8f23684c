"""The names under which a gateway's parts are known in its cluster."""

# Of the keys of gateways' bundles
PREFIX = "gateway/"
PARTS = ("namespace", "configuration", "runtime", "routes")


def namespace_of(name: str, gateway_id: str) -> str:
    """Readable, and the cluster's own even when a deleted gateway's name is used again."""
    return f"imp-gw-{name}-{gateway_id[-6:]}"


def bundle_key(gateway_id: str, part: str) -> str:
    return f"{PREFIX}{gateway_id}/{part}"


def gateway_in(key: str) -> tuple[str, str]:
    _, gateway_id, part = key.split("/")
    return gateway_id, part
