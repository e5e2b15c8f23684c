"""What a token looks like: `imp_pat_`, 32 random characters, and a checksum of all that.

    imp_pat_4vQm9TzKc2WnR8yLxJ6bHs0fEaGk3UpD_4J9rKs

The prefix lets scanners find one that was published by mistake; the checksum lets them, and us, tell a token from
what only looks like one, without asking the database. docs/tokens.md has the pattern.
"""

import re
import secrets
import string
import zlib

PREFIX = "imp_pat_"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
# 190 bits: nobody finds one by trying, also not with the characters that are shown
RANDOM_LENGTH = 32
# As many digits to base 62 as 32 bits need
CHECKSUM_LENGTH = 6
PATTERN = re.compile(rf"({PREFIX}[0-9A-Za-z]{{{RANDOM_LENGTH}}})_([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})")
# What is kept readable: people tell their tokens apart by it, and a row is found by it
START_LENGTH = len(PREFIX) + 8


def new_text() -> str:
    body = PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    return f"{body}_{checksum(body)}"


def is_well_formed(text: str) -> bool:
    match = PATTERN.fullmatch(text)
    return match is not None and checksum(match[1]) == match[2]


def start_of(text: str) -> str:
    return text[:START_LENGTH]


def checksum(body: str) -> str:
    """The CRC-32 to base 62, as scanners compute it for other tokens of this kind."""
    number, digits = zlib.crc32(body.encode()), []
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
