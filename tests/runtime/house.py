"""A gateway's own database as the platform keeps it, and what is published there."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

import psycopg

from apps.functions.compiling import compile_files
from apps.gateways import databases, store
from tests.runtime.processes import wait_until

RUN_KEY = secrets.token_bytes(32)
PASSWORD = "of-its-functions"
RUNTIME_PASSWORD = "of-its-runtimes"


class House:
    def __init__(self, name: str) -> None:
        self.name = name
        databases.make_database(name, PASSWORD)
        store.prepare(name, RUNTIME_PASSWORD)
        self.connection = psycopg.connect(**databases.server_parameters(name), autocommit=True)

    @property
    def spec(self) -> dict[str, Any]:
        """What its processes are told of it."""
        role = databases.runtime_role_of(self.name)
        return {
            "runtime_url": databases.url_of(self.name, RUNTIME_PASSWORD, role=role),
            "database_url": databases.url_of(self.name, PASSWORD),
            "run_key": base64.urlsafe_b64encode(RUN_KEY).decode().rstrip("="),
            "logs": "database",
        }

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(query, values).fetchall()

    def ask_nothing(self, statement: str) -> None:
        """One that has no rows."""
        self.connection.execute(statement)

    def ask_data(self, query: str) -> list[tuple[Any, ...]]:
        """As its functions' own role."""
        with psycopg.connect(databases.url_of(self.name, PASSWORD), autocommit=True) as connection:
            found = connection.execute(query)
            return found.fetchall() if found.description else []

    def publish(self, name: str, source: str | Mapping[str, str] = "", **more: Any) -> int:
        """TypeScript, compiled as saves are; the revision."""
        files = {"handler.ts": source} if isinstance(source, str) else source
        compiled = compile_files(files=files, entrypoint="handler.ts", packages=more.pop("packages", ()))
        assert not compiled.errors, compiled.errors
        return self.publish_code(name, compiled.code, compiled.source_map, **more)

    def publish_code(self, name: str, code: str, source_map: str = "", **more: Any) -> int:
        digest = hashlib.sha256(f"{code}\0{source_map}".encode()).hexdigest()
        self.connection.execute(
            "INSERT INTO imp.artifacts (digest, code, source_map) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [digest, code, source_map],
        )
        return self._put(name, artifact=digest, **more)

    def put_vendor(self, digest: str, code: str) -> None:
        self.connection.execute(
            "INSERT INTO imp.vendors (digest, code, packages) VALUES (%s, %s, '{}')", [digest, code]
        )

    def delete(self, name: str) -> int:
        return self._put(name, is_deleted=True)

    def _put(self, name: str, **columns: Any) -> int:
        columns = {"function_id": f"fn_{name}", "version": 1, "is_deleted": False, "name": name, **columns}
        names = ", ".join(columns)
        changes = ", ".join(f"{each} = excluded.{each}" for each in [*columns, "revision"] if each != "name")
        with self.connection.transaction():
            [(revision,)] = self.ask("UPDATE imp.counter SET revision = revision + 1 RETURNING revision")
            self.connection.execute(
                f"INSERT INTO imp.functions (revision, {names})"
                f" VALUES (%s, {', '.join(['%s'] * len(columns))}) ON CONFLICT (name) DO UPDATE SET {changes}",
                [revision, *columns.values()],
            )
        return int(revision)

    def acked(self, name: str) -> tuple[int, Any] | None:
        found = self.ask("SELECT revision, error FROM imp.acks WHERE name = %s ORDER BY acked_at DESC LIMIT 1", name)
        return found[0] if found else None

    def live(self, name: str, source: str | Mapping[str, str], **more: Any) -> int:
        """Published, and acknowledged."""
        revision = self.publish(name, source, **more)
        self.await_ack(name, revision)
        return revision

    def await_ack(self, name: str, revision: int) -> Any:
        """Its error, if it couldn't be loaded."""
        wait_until(lambda: (self.acked(name) or (0,))[0] == revision, f"{name} isn't acknowledged")
        return (self.acked(name) or (0, None))[1]

    def lines(self, **where: str) -> list[dict[str, Any]]:
        clause = " AND ".join(f"{each} = %s" for each in where) or "true"
        columns = ("stage", "function", "version", "request_id", "level", "source", "text", "fields")
        found = self.ask(
            f"SELECT {', '.join(columns)} FROM imp.logs WHERE {clause} ORDER BY at, id",
            *where.values(),
        )
        return [dict(zip(columns, row, strict=True)) for row in found]

    def await_line(self, text: str) -> dict[str, Any]:
        """Whose text has this in it."""
        wait_until(lambda: any(text in each["text"] for each in self.lines()), self.lines())
        return next(each for each in self.lines() if text in each["text"])

    def forget(self) -> None:
        """As it was when it was new; its processes have to be gone."""
        self.connection.execute("TRUNCATE imp.functions, imp.artifacts, imp.vendors, imp.instances, imp.acks, imp.logs")
        for (table,) in self.ask_data("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'data'"):
            self.ask_data(f"DROP TABLE data.{table} CASCADE")

    def end(self) -> None:
        self.connection.close()


def token(function: str, *, kind: str = "call", key: bytes = RUN_KEY, **more: Any) -> str:
    """What the portal signs."""
    payload = {
        "function": function,
        "request_id": "req_of_run",
        "kind": kind,
        "exp": time.time() + 30,
        "nonce": secrets.token_hex(8),
        **more,
    }
    text = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    mac = hmac.new(key, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
