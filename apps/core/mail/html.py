"""The same words for programs that show HTML: made from the text, so that the two can't say different things."""

import re

from django.template.loader import render_to_string
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

ADDRESS = re.compile(r"https?://\S+")


def as_html(subject: str, text: str, *, language: str) -> str:
    """A paragraph for each block of lines. An address alone in its block becomes a button."""
    blocks = [block.strip() for block in text.strip().split("\n\n")]
    parts = [{"url": block} if ADDRESS.fullmatch(block) else {"lines": linked(block)} for block in blocks if block]
    return render_to_string("mail/_frame.html", {"subject": subject, "parts": parts, "language": language})


def linked(text: str) -> SafeString:
    """Escaped, with its addresses as links and its line ends kept."""
    found: list[str] = []
    end = 0
    for match in ADDRESS.finditer(text):
        found += [escape(text[end : match.start()]), format_html('<a href="{0}">{0}</a>', match[0])]
        end = match.end()
    found.append(escape(text[end:]))
    return mark_safe("".join(found).replace("\n", "<br>\n"))  # noqa: S308 (every piece is escaped above)
