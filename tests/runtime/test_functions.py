"""Functions in a process: published in a gateway's own database, called over its socket."""

import json

from tests.runtime.house import House
from tests.runtime.processes import Process


def test_a_function_is_live_once_it_is_acknowledged(house: House, inhabited: Process) -> None:
    house.live("dev/hello", "export default async (req, res) => ({ hello: req.query.name })")
    response, body = inhabited.ask("/dev/hello?name=Kim")
    assert (response.status, json.loads(body)) == (200, {"hello": "Kim"})
