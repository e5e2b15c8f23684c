"""docs/documents.md names every operator, operation, limit and error of the code, and none besides."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

ROOT: Path = settings.BASE_DIR
TEXT = (ROOT / "docs" / "documents.md").read_text()
SOURCE = ROOT / "runtime" / "src" / "documents"
# Named as what is refused, or as a part of something else
REFUSED = {
    "$expr", "$where", "$mod", "$text", "$jsonSchema", "$bitsAllSet", "$slice", "$elemMatch", "$date", "$literal",
    "$each", "$position", "$sort", "$type", "$", "$$ROOT", "$field", "$[]", "$[name]",
}  # fmt: skip


def source(name: str) -> str:
    return (SOURCE / name).read_text()


def listed(name: str, constant: str) -> set[str]:
    """The texts of a list, or the names of an object, that the code declares."""
    found = re.search(rf"const {constant}\b[^\n]*? = [\[{{].*?[\]}}](?: as const)?;", source(name), re.S)
    assert found, constant
    return set(re.findall(r"(\$\w+)", found[0]))


def all_operators() -> set[str]:
    return (
        listed("filters.ts", "FIELD_OPERATORS")
        | listed("filters.ts", "LOGIC")
        | listed("updates.ts", "UPDATE_OPERATORS")
        | listed("pipelines.ts", "STAGES")
        | listed("groups.ts", "ACCUMULATORS")
    )


def test_every_operator_is_named_and_no_other() -> None:
    named = set(re.findall(r"`\"?(\$[\w$\[\]]*)", TEXT))
    assert len(all_operators()) > 35
    assert all_operators() - named == set()
    assert named - all_operators() - REFUSED == set()


def test_each_operator_is_in_the_table_of_its_kind() -> None:
    tables = re.findall(r"\| Operator \|.*?\n\n", TEXT, re.S)
    filters, updates = (set(re.findall(r"^\| (`[^|]+) \|", table, re.M)) for table in tables)

    def names(rows: set[str]) -> set[str]:
        return {name for row in rows for name in re.findall(r"\$\w+", row)}

    assert names(filters) == listed("filters.ts", "FIELD_OPERATORS") | listed("filters.ts", "LOGIC")
    assert names(updates) == listed("updates.ts", "UPDATE_OPERATORS")


def operators_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from operators_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from operators_in(inner)


def answered(table: str) -> Counter[str]:
    """In how many cases that are answered, rather than refused, each operator is."""
    found: Counter[str] = Counter()
    for group in json.loads(source(f"cases/{table}.json")):
        for *asked, wanted in group["filters" if table == "filters" else "cases"]:
            found.update(set() if isinstance(wanted, str) else set(operators_in(asked[-1])))
    return found


def test_every_operator_has_cases() -> None:
    tables = {
        "filters": listed("filters.ts", "FIELD_OPERATORS") | listed("filters.ts", "LOGIC"),
        "updates": listed("updates.ts", "UPDATE_OPERATORS"),
        "aggregations": listed("pipelines.ts", "STAGES") | listed("groups.ts", "ACCUMULATORS"),
    }
    # Its answer is the time, which a test looks at
    assert "$currentDate" in source("store_dbtest.ts")
    for table, operators in tables.items():
        found = answered(table)
        assert {each for each in operators - {"$currentDate"} if found[each] < 2} == set(), table


def test_every_operation_is_named() -> None:
    block = source("documents.ts").partition("#named(): Record")[2].partition("async #createIndex")[0]
    operations = set(re.findall(r"^ +(\w+): (?:async )?\(", block, re.M))
    assert len(operations) > 18
    assert {name for name in operations if name not in TEXT} <= {"drop", "listCollections"}


def test_every_error_is_named() -> None:
    codes = set(re.findall(r'\| "([a-z-]+)"', source("errors.ts")))
    assert codes == set(re.findall(r"`([a-z-]+)`", TEXT.partition("Errors have a `code`")[2]))


def test_limits_are_those_of_the_code() -> None:
    code = source("limits.ts")
    numbers = {name: value.replace("_", "") for name, value in re.findall(r"(\w+): ([\d_]+)[, ]", code)}
    assert re.search(r"documentBytes: MIB,", code)
    said = TEXT.partition("## Limits")[2].replace(",", "")
    for row in (
        f"| A document | 1 MiB as JSON {numbers['depth']} levels |",
        f"| A filter | {numbers['depth']} levels {numbers['tests']} fields and operators |",
        f"| {numbers['collections']}; {numbers['indexesOfCollection']}; {numbers['fieldsOfIndex']} |",
        f"at once | {numbers['atOnce']} |",
        f"| What is given to one operation | {numbers['given']} characters |",
        f"| {numbers['pathLength']} characters; {numbers['pathParts']} |",
        f"| A pattern of `$regex` | {numbers['patternLength']} characters |",
        f"| {numbers['held']} documents 16 MiB |",
        f"| Values of `distinct` | {numbers['distinct']} 16 MiB |",
        f"| {int(numbers['statementMs']) // 1000} seconds; making an index {int(numbers['indexMs']) // 1000} |",
        f"| What a statement of `imp.sql` returns | {numbers['rows']} rows {numbers['rowCharacters']} characters |",
        f"| {numbers['transactions']}; {int(numbers['idleMs']) // 1000} seconds |",
    ):
        assert row in said, row
    assert f"Operations over {numbers['slowMs']} ms" in TEXT
