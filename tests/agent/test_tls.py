"""The agent's half of TLS, over a real socket: which portal it talks to, and what it says of others."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from apps.fleet.grpc.tls import credentials_for
from apps.fleet.models import Agent, Cluster
from tests.fleet.portal import Portal
from tests.fleet.processes import RunningAgent, new_token, wait_until
from tests.gateways.world import make_cluster

pytestmark = pytest.mark.django_db(transaction=True)

Key = ec.EllipticCurvePrivateKey
DAY = datetime.timedelta(days=1)


@dataclass
class Authority:
    """Signs certificates; `file` is what agents are given of it."""

    file: Path

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.file.stem)])
        made = self._signed(self.name, self.key, days=(-1, 1), is_authority=True)
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def certify(self, host: str = "localhost", *, days: tuple[int, int] = (-1, 1)) -> tuple[Path, Path]:
        """The certificate and its key, in files."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        made = self._signed(name, key, days=days, host=host)
        files = self.file.with_name("portal.crt"), self.file.with_name("portal.key")
        files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        files[1].write_bytes(key.private_bytes(*form))
        return files

    def _signed(
        self, name: x509.Name, key: Key, *, days: tuple[int, int], host: str = "", is_authority: bool = False
    ) -> x509.Certificate:
        moment = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(moment + days[0] * DAY)
            .not_valid_after(moment + days[1] * DAY)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if host:
            made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        return made.sign(self.key, hashes.SHA256())


@pytest.fixture
def cluster() -> Cluster:
    return make_cluster()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority.pem")


class World:
    """A portal with a certificate, and agents that dial it."""

    def __init__(self, folder: Path, cluster: Cluster, settings: Any) -> None:
        self.folder, self.cluster, self.settings = folder, cluster, settings
        self.portal: Portal | None = None
        self.agents: list[RunningAgent] = []

    def serve(self, files: tuple[Path, Path]) -> None:
        self.settings.AGENTS_TLS_CERT, self.settings.AGENTS_TLS_KEY = map(str, files)
        self.portal = Portal(credentials=credentials_for("0.0.0.0:7443"))

    def dial(self, *options: str, host: str = "localhost") -> RunningAgent:
        assert self.portal
        agent = RunningAgent(
            self.folder / f"agent-{len(self.agents)}", self.portal.port, token=new_token(self.cluster),
            applier="memory", host=host, options=options,
        )  # fmt: skip
        self.agents.append(agent)
        return agent

    def close(self) -> None:
        for agent in self.agents:
            agent.stop()
        if self.portal:
            self.portal.close()


@pytest.fixture
def world(tmp_path: Path, cluster: Cluster, settings: Any) -> Iterator[World]:
    world = World(tmp_path, cluster, settings)
    yield world
    world.close()


def is_there() -> bool:
    return Agent.objects.filter(leads=True).exists()


def test_the_portal_of_an_own_authority_is_trusted_by_name(world: World, authority: Authority) -> None:
    world.serve(authority.certify())
    agent = world.dial("--ca", str(authority.file))
    wait_until(is_there, within=30, what="the agent", log=agent.log)


@pytest.mark.parametrize("case", ["another authority", "expired", "not yet", "another name"])
def test_no_other_is_told_anything(world: World, authority: Authority, tmp_path: Path, case: str) -> None:
    (tmp_path / "other").mkdir()
    files, trusted, said = {
        "another authority": (lambda: authority.certify(), Authority(tmp_path / "other" / "other.pem"), "authority"),
        "expired": (lambda: authority.certify(days=(-2, -1)), authority, "expired"),
        "not yet": (lambda: authority.certify(days=(1, 2)), authority, "not yet valid"),
        "another name": (lambda: authority.certify("portal.example"), authority, "another name"),
    }[case]
    world.serve(files())
    agent = world.dial("--ca", str(trusted.file))
    wait_until(lambda: "isn't trusted" in agent.log.read_text(), within=30, what="a word about it", log=agent.log)
    assert said in agent.log.read_text()
    assert not is_there()
    assert agent.process.poll() is None
    # Somebody mends it while the agent goes on
    assert world.portal
    world.portal.stop()
    if case != "another authority":
        authority.certify()
        world.portal.start()
        wait_until(is_there, within=30, what="the agent after all", log=agent.log)


def test_a_portal_without_tls_is_no_portal(world: World, authority: Authority) -> None:
    world.portal = Portal()
    agent = world.dial("--ca", str(authority.file))
    wait_until(lambda: "portal away" in agent.log.read_text(), within=30, what="a word about it", log=agent.log)
    assert not is_there()


def test_without_tls_nothing_is_said_to_a_portal_with_it(world: World, authority: Authority) -> None:
    world.serve(authority.certify())
    agent = world.dial(host="127.0.0.1")
    wait_until(lambda: "portal away" in agent.log.read_text(), within=30, what="a word about it", log=agent.log)
    assert not is_there()
