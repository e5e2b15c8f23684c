"""The guide for operators has a line for each sentence with which a sign-in is refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from apps.sso.oidc.problems import SignInRefused


def refusals(kind: type[SignInRefused] = SignInRefused) -> Iterator[type[SignInRefused]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from refusals(narrower)


@pytest.mark.parametrize("refusal", list(refusals()), ids=lambda refusal: refusal.slug)
def test_the_guide_says_what_each_refusal_means(refusal: type[SignInRefused]) -> None:
    guide = Path(settings.BASE_DIR, "docs/oidc.md").read_text()
    assert f"\n| {refusal.title} | " in guide, f"Add a line for {refusal.slug} to the table in docs/oidc.md."
