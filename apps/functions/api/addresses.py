"""How a function is named in an address: `dev%2Fuser%2F:id`, or its id.

A server hands on a path with its %2F as a slash, so the end of an address says what is asked of the function. One whose
name ends in such a word is reached by its id.
"""

from typing import Any

from apps.gateways.api.below import OfGateway
from apps.gateways.sizes import StageName

# What stands behind a function's name in the addresses of the API
WORDS = ("logs", "source", "history", "draft", "rename", "copy", "restore", "run", "calls")
_STAGES = "|".join(StageName.values)
FUNCTION = rf"fn_[0-9a-z]{{26}}|(?:{_STAGES})/[A-Za-z0-9._~:*/-]{{1,200}}"
NUMBER = "[0-9]{1,6}"

_BY_NAME = {
    "schema": {"type": "string"},
    "description": "The function's name with its stage, percent-encoded; or its id, by which one is reached whose name "
    f"ends in a word that stands in addresses ({', '.join(WORDS)}).",
    "example": "dev%2Fuser%2F:id",
}
PATH_PARAMETERS: dict[str, dict[str, Any]] = {
    **OfGateway.path_parameters,
    "id": _BY_NAME,
    "pk": _BY_NAME,
    "function": _BY_NAME,
}
