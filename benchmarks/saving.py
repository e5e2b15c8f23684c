"""What measurements of saves share: a gateway that runs, a web process, and somebody who saves through its API."""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from benchmarks.engine import ROOT, Engine, engine, free_port, wait_until

NAME = "saved"
SCOPES = ("functions:write", "gateways:write")
# So that nobody is told to slow down
UNTHROTTLED = {"IMP_API_RATE": "1000000/minute", "IMP_LOG_LEVEL": "error"}
SOURCE = """import {{ told }} from "./lib/told";

interface Answer {{
  version: number;
  text: string;
}}

export default async (req: ImpRequest): Promise<Answer> => {{
  if (req.query.slow) await new Promise((resolve) => setTimeout(resolve, Number(req.query.slow)));
  return {{ version: {version}, text: told(req.path) }};
}};
"""
FILES = {
    "lib/told.ts": 'import { marks } from "./marks";\nexport const told = (path: string) => path + marks[0];\n',
    "lib/marks.ts": 'export const marks: readonly string[] = ["!", "?"];\n',
}


def files_of(version: int) -> dict[str, str]:
    return {"index.ts": SOURCE.format(version=version), **FILES}


@dataclass
class Saving:
    found: Engine
    gateway: Any
    port: int
    token: str
    web: "subprocess.Popen[bytes]"

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def ask(self, connection: http.client.HTTPConnection, method: str, path: str, body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", "If-Match": "*"}
        connection.request(method, path, json.dumps(body), headers)
        response = connection.getresponse()
        content = response.read()
        if response.status >= http.HTTPStatus.BAD_REQUEST:
            raise SystemExit(f"{method} {path}: {response.status} {content.decode()[:500]}")
        return json.loads(content)

    @property
    def path(self) -> str:
        return f"/v1/api-gateways/{self.gateway.pk}"

    def save(self, connection: http.client.HTTPConnection, name: str, version: int) -> dict[str, Any]:
        """The version that it makes is one above."""
        files = {path: {"content": text} for path, text in files_of(version + 1).items()}
        body = {"files": files, "base_version": version}
        answer: dict[str, Any] = self.ask(connection, "PATCH", f"{self.path}/functions/{quote(name, safe='')}", body)
        return answer

    def make(self, name: str) -> Any:
        from apps.functions.services import create_function

        return create_function(actor=self.found.member, gateway=self.gateway, name=name, files=files_of(1))


class Caller:
    """Through Envoy, over a connection that stays."""

    def __init__(self, port: int, path: str, *, host: str = f"{NAME}.dev.localhost") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self._path, self._host = path, host

    def version(self, query: str = "") -> int:
        """0: it answered something else."""
        self._connection.request("GET", f"{self._path}{query}", headers={"Host": self._host})
        response = self._connection.getresponse()
        content = response.read()
        return int(json.loads(content)["version"]) if response.status == http.HTTPStatus.OK else 0

    def close(self) -> None:
        self._connection.close()


@contextmanager
def saving() -> Iterator[Saving]:
    """All processes are those that the product has."""
    with engine() as found:
        found.start("worker", "agents", "agent")
        found.wait_for_agent()
        gateway = _gateway(found)
        port = free_port()
        web = subprocess.Popen(
            [
                sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
                "--workers", "1", "--blocking-threads", str(os.cpu_count() or 1), "--no-ws", "--log-level", "warning",
                "portal.wsgi:application",
            ],
            cwd=ROOT, env={**found.environment, **UNTHROTTLED}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            wait_until(lambda: _answers(port), "the web process", pause=0.1)
            yield Saving(found, gateway, port, _token(found), web)
        finally:
            web.terminate()
            web.wait(15)


def _gateway(found: Engine) -> Any:
    from apps.gateways.models import FunctionGateway
    from apps.gateways.services.creating import create_gateway

    made = create_gateway(actor=found.member, name=NAME, cluster=found.cluster)
    rows = FunctionGateway.objects.filter(pk=made.pk, phase="started", due_at=None)
    wait_until(rows.exists, "the gateway")
    return rows.get()


def _token(found: Engine) -> str:
    from apps.access.services import create_token
    from apps.core.clock import now

    token = create_token(
        actor=found.member.person, name="measurement", scopes=SCOPES, expires_at=now() + timedelta(days=1),
        tenant=found.member.tenant,
    )  # fmt: skip
    assert token.secret is not None
    return token.secret.reveal()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        time.sleep(0.1)
        return False
    finally:
        connection.close()
