"""What the agents' server shows to be itself."""

import ipaddress
from pathlib import Path

import grpc
import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

log = structlog.get_logger(__name__)


def credentials_for(address: str) -> grpc.ServerCredentials | None:
    """None is plain text, which only this machine hears."""
    certificate, key = settings.AGENTS_TLS_CERT, settings.AGENTS_TLS_KEY
    if certificate and key:
        return _credentials(Path(certificate), Path(key))
    if certificate or key:
        raise ImproperlyConfigured("AGENTS_TLS_CERT and AGENTS_TLS_KEY are files that belong together: set both.")
    if not is_loopback(address):
        raise ImproperlyConfigured(
            f"Agents' tokens would cross the network to {address} in plain text: "
            "set AGENTS_TLS_CERT and AGENTS_TLS_KEY, or listen on 127.0.0.1."
        )
    return None


def is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _credentials(certificate: Path, key: Path) -> grpc.ServerCredentials:
    """Read again when the files are others, so that a renewed certificate counts without a restart."""
    seen = _stamp(certificate, key)
    now_shown = _read(certificate, key)

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        nonlocal seen
        try:
            stamp = _stamp(certificate, key)
            if stamp == seen:
                return None
            found = _read(certificate, key)
        except OSError as error:
            log.warning("agents' certificate can't be read", error=str(error))
            return None
        seen = stamp
        return found

    return grpc.dynamic_ssl_server_credentials(now_shown, renewed)  # type: ignore[arg-type]


def _read(certificate: Path, key: Path) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(key.read_bytes(), certificate.read_bytes())])


def _stamp(certificate: Path, key: Path) -> tuple[int, int]:
    return certificate.stat().st_mtime_ns, key.stat().st_mtime_ns
