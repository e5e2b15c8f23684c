"""A gateway with a database, real processes and Envoy before them, and functions in it: as the platform makes them."""

import contextlib
import http.client
import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import psycopg

from agent.appliers.base import Wanted
from apps.functions.compiling import compile_files
from apps.gateways import databases
from apps.gateways.rendering.local import render_configuration, render_namespace, render_runtime
from apps.gateways.rendering.routes import render_routes
from apps.gateways.rendering.spec import GatewaySpec, ProcessSpec, StageSpec
from apps.gateways.sizes import PROCESSES, Layout, StageName
from apps.gateways.store import prepare
from tests.agent.place import Place, wanted
from tests.fleet.processes import wait_until
from tests.gateways.world import drop_for_good

VERSION = 1


class House:
    """One gateway at a place; a place may have several."""

    def __init__(
        self,
        place: Place,
        name: str = "parcels",
        *,
        layout: str = Layout.PROD_APART,
        memory_mb: int = 256,
        egress: tuple[str, Sequence[str]] = ("public", ()),
        secrets: dict[str, str] | None = None,
    ) -> None:
        self.place = place
        self.database = f"gw_db_{random_name()}"
        password, runtime_password = databases.new_password(), databases.new_password()
        databases.make_database(self.database, password)
        prepare(self.database, runtime_password)
        processes = tuple(ProcessSpec(each.name, each.stages) for each in PROCESSES[layout])
        self.spec = GatewaySpec(
            id=databases.gateway_of(self.database),
            name=name,
            title=name.title(),
            namespace=name,
            milli_cpu=2000,
            memory_mb=memory_mb,
            restarts=0,
            stages=tuple(StageSpec(each, (f"{name}.{each}.localhost",)) for each in StageName.values),
            processes=processes,
            routed=processes,
            database_url=databases.url_of(self.database, password),
            runtime_url=databases.url_of(
                self.database, runtime_password, role=databases.runtime_role_of(self.database)
            ),
            run_key=token(),
            variables={"REGION": "eu"},
            secrets=secrets or {"API_KEY": "s3cr3t-of-a-test"},
            egress_mode=egress[0],
            egress_hosts=tuple(egress[1]),
        )

    def bundles(self) -> list[Wanted]:
        spec = self.spec
        parts = {
            "namespace": render_namespace(spec),
            "configuration": render_configuration(spec),
            "runtime": render_runtime(spec, spec.processes),
            "routes": render_routes(spec),
        }
        return [wanted(f"gateway/{spec.name}/{part}", manifests) for part, manifests in parts.items()]

    def bring_up(self) -> None:
        self.change()

    def change(self, **changes: Any) -> None:
        self.spec = replace(self.spec, **changes)
        bundles = self.bundles()
        self.place.apply(*bundles)
        for bundle in bundles:
            self.place.reach(bundle)

    @contextlib.contextmanager
    def inside(self) -> Iterator["psycopg.Connection[Any]"]:
        """Its database, as the platform."""
        with psycopg.connect(**databases.server_parameters(self.database), autocommit=True) as connection:
            yield connection

    def deploy(self, functions: dict[str, str], *, timeout_ms: int = 10_000) -> None:
        """Sources by name, `dev/user/:id`; returns once each process that is there has them."""
        for name, source in functions.items():
            compiled = compile_files(files={"index.ts": source}, entrypoint="index.ts")
            assert not compiled.errors, compiled.errors
            self.publish(name, compiled.code, timeout_ms=timeout_ms)

    def publish(self, name: str, code: str, *, timeout_ms: int = 10_000, vendor: str = "") -> None:
        """As it is, also what the compiler wouldn't let through."""
        revision = self.keep({name: code}, timeout_ms=timeout_ms, vendor=vendor)
        with self.inside() as connection:

            def is_live() -> bool:
                found = connection.execute(
                    "SELECT coalesce(a.revision, 0), a.error FROM imp.instances i JOIN pg_stat_activity s"
                    " ON s.pid = i.backend_pid AND s.backend_start = i.backend_start"
                    " LEFT JOIN imp.acks a ON a.instance = i.id AND a.name = %s WHERE %s = ANY(i.stages)",
                    [name, name.partition("/")[0]],
                ).fetchall()
                assert not any(error for _, error in found), found
                return bool(found) and all(seen >= revision for seen, _ in found)

            wait_until(is_live, what=f"{name} to be live")

    def keep(self, codes: dict[str, str], *, timeout_ms: int = 10_000, vendor: str = "") -> int:
        """Published, whether or not anybody is there to hear of it."""
        revision = 0
        with self.inside() as connection, connection.transaction():
            for name, code in codes.items():
                digest = secrets.token_hex(32)
                [revision] = connection.execute(
                    "UPDATE imp.counter SET revision = revision + 1 RETURNING revision"
                ).fetchone()  # type: ignore[misc]
                connection.execute(
                    "INSERT INTO imp.artifacts (digest, code, source_map) VALUES (%s, %s, '')", [digest, code]
                )
                connection.execute(
                    "INSERT INTO imp.functions (name, function_id, revision, version, artifact, timeout_ms, vendor)"
                    " VALUES (%(name)s, %(name)s, %(revision)s, 1, %(digest)s, %(timeout)s, %(vendor)s)"
                    " ON CONFLICT (name) DO UPDATE SET revision = excluded.revision, artifact = excluded.artifact,"
                    " timeout_ms = excluded.timeout_ms",
                    {
                        "name": name,
                        "revision": revision,
                        "digest": digest,
                        "timeout": timeout_ms,
                        "vendor": vendor,
                    },
                )
        return revision

    def call(
        self, name: str, *, method: str = "GET", body: bytes | None = None, within: float = 20.0, **headers: str
    ) -> tuple[int, Any]:
        stage, _, path = name.partition("/")
        connection = http.client.HTTPConnection("127.0.0.1", self.place.port, timeout=within)
        try:
            sent = {each.replace("_", "-"): value for each, value in headers.items()}
            connection.request(method, f"/{path}", body, {"Host": f"{self.spec.name}.{stage}.localhost", **sent})
            response = connection.getresponse()
            text = response.read()
            is_json = "json" in (response.headers.get("content-type") or "")
            return response.status, json.loads(text) if is_json else text
        finally:
            connection.close()

    def post(self, name: str, body: Any) -> tuple[int, Any]:
        content = json.dumps(body).encode()
        return self.call(name, method="POST", body=content, content_type="application/json")

    def pid(self, stage: str) -> int:
        process = next(each.name for each in self.spec.processes if stage in each.stages)
        return int(self.place.engine.pids()[self.spec.namespace, process])

    def leave(self) -> None:
        drop_for_good(self.database)


def token() -> str:
    return secrets.token_urlsafe(32)


def random_name() -> str:
    return "".join(secrets.choice("0123456789abcdefghjkmnpqrstvwxyz") for _ in range(26))
