import hmac
from collections.abc import Callable
from typing import NoReturn, Self

MASK = "••••••••"


class Secret:
    """A value that shows itself only when asked by name: `.reveal()`.

    Printed, formatted, logged or shown in a traceback it is a mask. Plain `json` refuses it; the audit log masks it.
    It isn't a `str`, so the type checker finds the places that forgot to ask.
    """

    __slots__ = ("_source",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, source: str | Callable[[], str]) -> None:
        self._source: Callable[[], str] = source if callable(source) else lambda: source

    def reveal(self) -> str:
        return self._source()

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, specification: str) -> str:
        return format(MASK, specification)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.reveal().encode(), other.reveal().encode())

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret can't be pickled. Pass the id of its row and read it there.")
