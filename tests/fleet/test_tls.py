"""What crosses a network is encrypted, or isn't served."""

import datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from agent.protocol import v1_pb2 as wire
from agent.protocol import v1_pb2_grpc as services
from apps.fleet.grpc.tls import credentials_for
from apps.fleet.models import Cluster
from tests.fleet import processes
from tests.fleet.portal import Portal, info


def certificate(folder: Path) -> tuple[Path, Path]:
    """For localhost, signed by itself; written over what was there."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    moment = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - datetime.timedelta(days=1))
        .not_valid_after(moment + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "portal.crt", folder / "portal.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    files[1].write_bytes(key.private_bytes(*form))
    return files


def register(port: int, authority: bytes, token: str) -> Any:
    channel = grpc.secure_channel(
        f"localhost:{port}", grpc.ssl_channel_credentials(authority), [("grpc.use_local_subchannel_pool", 1)]
    )
    with channel:
        request = wire.RegisterRequest(registration_token=token, info=info())
        return services.AgentRegistrationStub(channel).Register(request, timeout=10)


@pytest.mark.parametrize("address", ["0.0.0.0:7443", "[::]:7443", "192.0.2.7:7443", "portal.example:7443"])
def test_without_a_certificate_only_this_machine_is_served(settings: Any, address: str) -> None:
    settings.AGENTS_TLS_CERT = settings.AGENTS_TLS_KEY = ""
    assert credentials_for("127.0.0.1:7443") is None
    assert credentials_for("[::1]:7443") is None
    with pytest.raises(CommandError, match="AGENTS_TLS_CERT"):
        call_command("agents", address=address)


def test_a_certificate_without_its_key_is_a_mistake(settings: Any, tmp_path: Path) -> None:
    settings.AGENTS_TLS_CERT, settings.AGENTS_TLS_KEY = str(tmp_path / "portal.crt"), ""
    with pytest.raises(ImproperlyConfigured):
        credentials_for("127.0.0.1:7443")


@pytest.mark.django_db(transaction=True)
def test_a_renewed_certificate_counts_without_a_restart(settings: Any, cluster: Cluster, tmp_path: Path) -> None:
    first, key = certificate(tmp_path)
    settings.AGENTS_TLS_CERT, settings.AGENTS_TLS_KEY = str(first), str(key)
    old = first.read_bytes()
    portal = Portal(credentials=credentials_for("0.0.0.0:7443"))
    try:
        assert register(portal.port, old, processes.new_token(cluster)).agent_id
        new = certificate(tmp_path)[0].read_bytes()
        assert register(portal.port, new, processes.new_token(cluster)).agent_id
        with pytest.raises(grpc.RpcError):
            register(portal.port, old, processes.new_token(cluster))
    finally:
        portal.close()
