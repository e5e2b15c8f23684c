"""Calls that the platform makes to functions: from the page, by the API, by triggers and from the data console.

They take the way of every call, through the gateway's Envoy, and carry a token that names the function.
"""

from apps.functions.calling.asked import Answered, Asked
from apps.functions.calling.history import list_calls
from apps.functions.calling.invoking import Line, ask_data, invoke, line_to, ring
from apps.functions.calling.problems import NoAnswer, NotReached
from apps.functions.calling.services import begin_call, finish_call

__all__ = [
    "Answered",
    "Asked",
    "Line",
    "NoAnswer",
    "NotReached",
    "ask_data",
    "begin_call",
    "finish_call",
    "invoke",
    "line_to",
    "list_calls",
    "ring",
]
