"""The little of Markdown that descriptions use: paragraphs, **strong**, `code`. Never HTML: a template escapes it."""

import re
from dataclasses import dataclass

MARKS = re.compile(r"\*\*(?P<strong>[^*]+)\*\*|`(?P<code>[^`]+)`")


@dataclass(frozen=True)
class Span:
    text: str
    kind: str = ""


Paragraph = list[Span]


def paragraphs(text: str) -> list[Paragraph]:
    return [spans(" ".join(part.split())) for part in re.split(r"\n\s*\n", text) if part.strip()]


def spans(text: str) -> Paragraph:
    found: Paragraph = []
    start = 0
    for match in MARKS.finditer(text):
        if match.start() > start:
            found.append(Span(text[start : match.start()]))
        kind = match.lastgroup or ""
        found.append(Span(match.group(kind), kind))
        start = match.end()
    if start < len(text):
        found.append(Span(text[start:]))
    return found
