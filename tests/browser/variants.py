"""The looks that a page has to survive: both themes, a desk and a phone, both languages.

Of the eight, two are tried, in which each theme, width and language is there; journeys take their opposites. Where
LOOKS names a folder for the pictures, all eight are.
"""

import os
from dataclasses import dataclass
from itertools import product

import pytest

HEIGHTS = {1280: 900, 390: 844}


@dataclass(frozen=True)
class Variant:
    theme: str = "light"
    width: int = 1280
    language: str = "en"

    @property
    def height(self) -> int:
        return HEIGHTS[self.width]

    def __str__(self) -> str:
        return f"{self.theme}-{self.width}-{self.language}"


ALL = [Variant(*look) for look in product(("light", "dark"), (1280, 390), ("en", "ko"))]
OPPOSITES = [Variant("light", 1280, "ko"), Variant("dark", 390, "en")]

every_variant = pytest.mark.parametrize(
    "variant", ALL if os.environ.get("LOOKS") else OPPOSITES, ids=str, indirect=True
)
on_a_phone = pytest.mark.parametrize("variant", [Variant(width=390)], ids=str, indirect=True)
