"""Functions that are called by the API and by triggers: a real worker, agent, Envoy and Deno bring it about."""

import json
from typing import Any

import pytest

from apps.accounts.models import User
from apps.fleet.models import Cluster
from apps.tenants.models import Tenant
from tests.fleet.processes import RunningAgent, wait_until
from tests.gateways.test_end_to_end import URL, cluster, machine, reach  # noqa: F401  fixtures
from tests.people import Api

pytestmark = pytest.mark.django_db(transaction=True)
ECHO = """
export default async (req, res) => {
  console.log("asked by", req.headers["imp-trigger"] ? "a trigger" : "somebody", req.body);
  if (req.query.fail) throw new Error("on purpose");
  if (req.query.bytes) return res.type("application/octet-stream").send(new Uint8Array([0, 255, 1]));
  const due = req.headers["imp-due-at"] ?? null;
  await imp.db("calls").insertOne({ due, day: req.params.day, body: req.body ?? null });
  return { day: req.params.day, method: req.method, token: req.headers["imp-run"] ?? null };
};
"""
DRAFT = "export default async (req) => ({ draft: req.params.day });"


def source(text: str) -> dict[str, dict[str, str]]:
    return {"index.ts": {"content": text}}


def test_called_by_a_program_and_by_the_clock(
    alice: User,
    tidewater: Tenant,
    cluster: Cluster,  # noqa: F811
    machine: RunningAgent,  # noqa: F811
) -> None:
    api = Api(alice)
    path = api.post(URL, {"name": "labels", "cluster": "local"})["Location"]
    reach(api, path, "started", machine)
    made = api.post(f"{path}/functions", {"name": "dev/sweep/:day", "files": source(ECHO)})
    assert made.status_code == 201, made.content
    function = f"{path}/functions/{made.json()['id']}"
    wait_until(lambda: api.get(function).json()["live"]["state"] == "live", what="the function", log=machine.log)

    def run(**values: Any) -> dict[str, Any]:
        answer = api.post(f"{function}/run", {"method": "POST", "path": "/sweep/7", **values})
        assert answer.status_code == 200, answer.content
        shown: dict[str, Any] = answer.json()
        return shown

    # As it's live, with what it wrote
    called = run(body='{"a": 1}')
    assert (called["status"], called["error"]) == (200, ""), called
    assert '"day":"7"' in called["body"].replace(" ", "")
    assert '"token":null' in called["body"].replace(" ", ""), "a function never sees a run token"
    assert any("asked by somebody" in line["text"] for line in called["logs"]), called["logs"]
    # Its errors are answers
    failed = run(query="fail=1")
    assert failed["status"] == 500
    problem = json.loads(failed["body"])
    assert (problem["request_id"], problem["path"]) == (failed["request_id"], "/sweep/7")
    assert any(line["level"] == "error" and "on purpose" in line["text"] for line in failed["logs"])
    binary = run(query="bytes=1")
    assert (binary["body"], binary["is_binary"]) == ("AP8B", True)
    # What isn't saved
    draft = {"files": source(DRAFT), "entrypoint": "index.ts", "base_version": 1}
    kept = api.put(f"{function}/draft", draft)
    assert kept.status_code == 200, kept.content
    assert '"draft":"7"' in run(draft=True)["body"].replace(" ", "")
    assert '"day":"7"' in run()["body"].replace(" ", "")
    calls = api.get(f"{function}/calls").json()["items"]
    assert [call["is_draft"] for call in calls] == [False, True, False, False, False]

    # By the clock: every second, and each of them once
    body = {"function": "dev/sweep/:day", "expression": "* * * * * *", "path": "/sweep/8", "payload": {"days": 3}}
    trigger = api.post(f"{path}/triggers", body)
    assert trigger.status_code == 201, trigger.content
    runs = f"{trigger['Location']}/runs?limit=200"

    def some_succeeded() -> bool:
        return len([run for run in api.get(runs).json()["items"] if run["outcome"] == "succeeded"]) >= 4

    wait_until(some_succeeded, within=120, what="four runs", log=machine.log)
    assert api.post(f"{trigger['Location']}/pause").status_code == 200
    wait_until(
        lambda: not any(run["outcome"] in ("waiting", "running") for run in api.get(runs).json()["items"]),
        what="the last run",
    )
    found = [run for run in api.get(runs).json()["items"] if run["outcome"] == "succeeded"]
    due = [run["due_at"] for run in found]
    assert len(set(due)) == len(due)
    assert {run["status"] for run in found} == {200}
    logged = api.get(f"{path}/logs?request_id={found[0]['request_id']}").json()["items"]
    assert any("asked by a trigger" in line["text"] for line in logged), logged

    # Stopped, it isn't called, and says so
    assert api.post(f"{path}/stop").status_code == 200
    answer = api.post(f"{function}/run", {"path": "/sweep/7"})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "gateway-stopped")
    # Deleted, its triggers rest
    assert api.delete(function, if_match="*").status_code == 204
    paused = api.get(trigger["Location"]).json()
    assert (paused["is_enabled"], bool(paused["paused_because"])) == (False, False)
