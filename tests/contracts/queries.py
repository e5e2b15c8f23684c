"""Pinned query counts: a list that starts to ask per row, or once more, is a diff in review.

`QUERY_COUNTS=update pytest …` writes what was counted.
"""

import os
from pathlib import Path
from typing import Any

import orjson
from django.db import connection
from django.test.utils import CaptureQueriesContext

PINNED = Path(__file__).with_name("query_counts.json")


class pinned_queries(CaptureQueriesContext):
    """`with pinned_queries("notes: list"):` counts what is asked inside and compares it with the file."""

    def __init__(self, name: str) -> None:
        super().__init__(connection)
        self.name = name

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        if error[0] is not None:
            return
        counts: dict[str, int] = orjson.loads(PINNED.read_bytes()) if PINNED.exists() else {}
        if os.environ.get("QUERY_COUNTS") == "update":
            counts[self.name] = len(self)
            PINNED.write_bytes(orjson.dumps(counts, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
            return
        pinned = counts.get(self.name)
        if pinned == len(self):
            return
        asked = "\n".join(f"  {query['sql'][:300]}" for query in self.captured_queries)
        raise AssertionError(
            f"{self.name}: {len(self)} queries, pinned are {pinned}. "
            f"If that is meant, run this test with QUERY_COUNTS=update.\n{asked}"
        )
