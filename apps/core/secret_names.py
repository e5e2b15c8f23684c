"""What mustn't be read, by its name or its shape: in a log line, an audit event, a list of tasks."""

import re

# Plain letters: logs are read on terminals of every kind
MASK = "(hidden)"
# The last word counts, so that `token_id` and `monkey` stay readable
_SHAPE = re.compile(
    r"(^|[_\-. ])(passwords?|passwd|passphrases?|secrets?|tokens?|authorization|cookies?|api[_-]?keys?"
    r"|private[_-]?keys?|credentials?|seeds?|session[_-]?keys?|recovery[_-]?codes?|csrfmiddlewaretoken|dsn"
    r"|database[_-]?url)$",
    re.IGNORECASE,
)


def names_a_secret(name: str) -> bool:
    return _SHAPE.search(name) is not None


_TEXT = (
    # postgres://user:password@host
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@/]+(@)", re.IGNORECASE), rf"\1{MASK}\2"),
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"\b(password|passwd|secret|token|api_key)=[^\s&'\",;]+", re.IGNORECASE), rf"\1={MASK}"),
)


def mask_text(text: str) -> str:
    """Free text, such as an error's, without what looks like a secret in it."""
    for pattern, replacement in _TEXT:
        text = pattern.sub(replacement, text)
    return text
