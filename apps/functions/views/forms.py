"""The form of those without script: a field for each file, and one for a new one."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import QueryDict

from apps.functions.models import Draft, Function
from apps.functions.selectors import head_of

FILE = "file:"


@dataclass(frozen=True)
class PlainForm:
    files: Mapping[str, str]
    entrypoint: str
    base_version: int
    is_draft: bool = False

    @classmethod
    def of(cls, function: Function, draft: Draft | None) -> "PlainForm":
        head = head_of(function)
        if draft is None:
            return cls(head.files, head.entrypoint, head.number)
        return cls(draft.files, draft.entrypoint, draft.base_version, is_draft=True)


def read_plain(posted: QueryDict) -> PlainForm:
    """A file whose name was emptied is gone; one of another name is renamed."""
    files = {}
    for field in posted:
        if not field.startswith(FILE):
            continue
        path = field.removeprefix(FILE)
        wanted = posted.get(f"path:{path}", path).strip()
        if wanted:
            files[wanted] = _lines(posted.get(field, ""))
    if added := posted.get("new_path", "").strip():
        files.setdefault(added, _lines(posted.get("new_text", "")))
    version = posted.get("base_version", "")
    return PlainForm(
        files, posted.get("entrypoint", ""), int(version) if version.isascii() and version.isdigit() else 0
    )


def _lines(text: str) -> str:
    """Forms send line ends of two characters."""
    return text.replace("\r\n", "\n")
