"""Takes secrets and personal data out of whatever leaves the process as a log line or a span.

Nothing is meant to put them there. This is for what does so by mistake: an exception that quotes a connection string, a tool
that logs its arguments. Values that the secret backend has given to this process are found wherever they stand; the rest
by its shape, so what has no shape (a name, a diagnosis) is not found: do not log content.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

SECRET, EMAIL, NUMBER = "[secret]", "[e-mail]", "[number]"
SHORTEST_SECRET = 8
"""Shorter ones would also be found where they are meant as words."""
LUHN_DIGITS = range(13, 20)
PERSONAL_KEYS = re.compile(
    r"(?i)(?:^|[._-])(?:password|passwd|secret|token|api_?key|authorization|cookie|private_?key)s?$"
)
COUNTED_KEYS = re.compile(r"(?i)\.?usage\.|_tokens$|max_tokens")


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


def _card(match: re.Match[str]) -> str:
    """Replace what passes the check that card numbers have (ISO/IEC 7812-1, Luhn); others are ids, times or amounts."""
    digits = _digits(match[0])
    if len(digits) not in LUHN_DIGITS:
        return match[0]
    doubled = [int(digit) * (2 if index % 2 else 1) for index, digit in enumerate(reversed(digits))]
    return NUMBER if sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0 else match[0]  # noqa: PLR2004


def _iban(match: re.Match[str]) -> str:
    """Replace what passes the check that IBANs have (ISO 13616, modulo 97)."""
    plain = match[0].replace(" ", "").upper()
    moved = "".join(str(int(character, 36)) for character in plain[4:] + plain[:4])
    return NUMBER if int(moved) % 97 == 1 else match[0]


Replacement = str | Callable[[re.Match[str]], str]
SHAPES: tuple[tuple[re.Pattern[str], Replacement], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), SECRET),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), SECRET),  # a JSON Web Token
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), rf"\1 {SECRET}"),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s/@]+@"), rf"\1:{SECRET}@"),
    (re.compile(r"\b(?:sk|pk|rk|ghp|gho|ghs|xox[abp]|AKIA|ASIA)[-_]?[A-Za-z0-9_-]{16,}\b"), SECRET),
    (
        re.compile(
            r"(?i)\b(password|passwd|secret|api[_-]?key|access[_-]?token)(['\"]?\s*[=:]\s*['\"]?)(?!//)[^\s'\",;&]{4,}"
        ),
        rf"\1\2{SECRET}",
    ),
    (re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63})+\b"), EMAIL),
    (re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"), _iban),
    (re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w.-])"), _card),
    (re.compile(r"(?<![\w.])\+\d{1,3}[ -]?(?:\(\d{1,4}\)[ -]?)?\d{2,4}(?:[ -]?\d{2,4}){1,4}\b"), NUMBER),
    (re.compile(r"\b\d{3}-\d{2}-\d{4}\b"), NUMBER),  # a social security number of the United States
)
# Without one of these, which are searched for in the case-folded text, or four digits no shape is there: most texts are looked at
# once and no more. As one regular expression a statement took 67 µs, and takes 14.
HINTS = (
    *(
        "@",
        "://",
        "eyj",
        "bearer",
        "basic",
        "passw",
        "secret",
        "key",
        "token",
        "ghp",
        "gho",
        "ghs",
        "xox",
        "akia",
        "asia",
    ),
    *(f"{kind}k{dash}" for kind in "spr" for dash in "-_"),
)
FOUR_DIGITS = re.compile(r"\d\d[ -]?\d\d")


def _hints(text: str) -> bool:
    folded = text.casefold()
    return any(hint in folded for hint in HINTS) or FOUR_DIGITS.search(text) is not None


class Scrubber:
    """Knows the secrets that were read, and the shapes of those that were not."""

    def __init__(self) -> None:
        """Know no secret yet."""
        self._secrets: dict[str, str] = {}
        self._known: re.Pattern[str] | None = None

    def learn(self, name: str, value: str) -> None:
        """Find this value from now on, as the secret `name`; the one before is found as long as the process lives, too."""
        if len(value) >= SHORTEST_SECRET and value not in self._secrets:
            self._secrets[value] = name
            longest_first = sorted(self._secrets, key=len, reverse=True)
            self._known = re.compile("|".join(re.escape(one) for one in longest_first))

    def text(self, text: str) -> str:
        """Give the text without them."""
        if self._known is not None:
            text = self._known.sub(SECRET, text)
        if _hints(text):
            for shape, replacement in SHAPES:
                text = shape.sub(replacement, text)
        return text

    def value(self, value: Any, key: str = "") -> Any:
        """Give a value without them, whatever is nested in it; what a key calls a secret is one."""
        if key and PERSONAL_KEYS.search(key) and not COUNTED_KEYS.search(key) and value is not None:
            return SECRET
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bool | int | float) or value is None:
            return value
        if isinstance(value, Mapping):
            return {name: self.value(item, str(name)) for name, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return type(value)(self.value(item) for item in value)
        return self.text(str(value))


SCRUBBER = Scrubber()
"""The process' own: secrets are the process', whichever part of it has read them."""
