"""Names under which something lies that mustn't be read: in a log line, an audit event, a list of tasks."""

import re

# The last word counts, so that `token_id` and `monkey` stay readable
_SHAPE = re.compile(
    r"(^|[_\-. ])(passwords?|passwd|passphrases?|secrets?|tokens?|authorization|cookies?|api[_-]?keys?"
    r"|private[_-]?keys?|credentials?|seeds?|session[_-]?keys?|recovery[_-]?codes?|csrfmiddlewaretoken|dsn"
    r"|database[_-]?url)$",
    re.IGNORECASE,
)


def names_a_secret(name: str) -> bool:
    return _SHAPE.search(name) is not None
