"""Plans tool calls from a question and the tools' schemas, by rules and without any knowledge of the domain.

Descriptions carry the vocabulary, in a form that serves every model: `value: word, word; value: word` for enums and
booleans, `Follows: phrase, phrase` for names, `Unit: word, word` for numbers, a `pattern` for references.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

CLAUSES = re.compile(
    r"[?!;]+|\.(?=\s|$)|,?\s+(?:and|then|and then)\s+"
    r"(?=(?:how|what|which|who|when|list|show|find|set|mark|close|resolve|reopen|assign|change|escalate|update)\b)",
    re.IGNORECASE,
)
WORD = re.compile(r"[a-z0-9][a-z0-9_'-]*")
FILLERS = frozenset(
    [
        "a",
        "an",
        "the",
        "is",
        "are",
        "was",
        "were",
        "of",
        "in",
        "on",
        "at",
        "for",
        "to",
        "me",
        "my",
        "our",
        "all",
        "any",
        "do",
        "does",
        "did",
        "there",
        "it",
        "its",
        "and",
        "or",
    ]
)
ENDS_OF_PHRASE = frozenset(
    [
        "that",
        "which",
        "who",
        "is",
        "are",
        "was",
        "were",
        "with",
        "older",
        "opened",
        "from",
        "and",
        "or",
        "than",
        "by",
        "please",
    ]
)
NUMBERS = {
    word: number
    for number, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    )
}
ENDINGS = ("ing", "ed", "es", "s", "e")
SHORTEST_STEM = 3
NOTHING_TO_DO = 10  # what a tool loses that was told a subject, but none of what it could do with it


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A tool to call and what with."""

    name: str
    arguments: dict[str, Any]


@dataclass(slots=True)
class Clause:
    """One request within a question: its words, their stems, and which of them an argument already used."""

    text: str
    words: list[str] = field(init=False)
    stems: list[str] = field(init=False)
    used: set[int] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        """Split into words."""
        self.words = WORD.findall(self.text.lower())
        self.stems = [stem(word) for word in self.words]

    def find(self, phrase: str) -> list[int] | None:
        """Give the positions of the phrase's words, in order but not necessarily adjacent; None when one is missing."""
        positions: list[int] = []
        for wanted in (stem(word) for word in WORD.findall(phrase.lower().replace("_", " "))):
            start = positions[-1] + 1 if positions else 0
            found = next(
                (i for i in range(start, len(self.stems)) if self.stems[i] == wanted and i not in self.used), None
            )
            if found is None:
                return None
            positions.append(found)
        return positions or None


def stem(word: str) -> str:
    """Cut the commonest English endings, so that 'closed' meets 'close'."""
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            return word[: -len(ending)]
    return word


def plan(question: str, tools: Sequence[Mapping[str, Any]]) -> list[PlannedCall]:
    """Give one call for each clause that some tool can serve; `tools` are in the form of the OpenAI protocol."""
    functions = [tool["function"] for tool in tools]
    calls = [call for text in CLAUSES.split(question) if text and (call := _best(text, functions))]
    return [call for index, call in enumerate(calls) if call not in calls[:index]]


def _best(text: str, functions: Sequence[Mapping[str, Any]]) -> PlannedCall | None:
    candidates = [
        (score, call) for function in functions if (scored := _score(text, function)) for score, call in [scored]
    ]
    best = max(candidates, key=lambda candidate: candidate[0], default=None)
    return best[1] if best and best[0] > 0 else None


def _score(text: str, function: Mapping[str, Any]) -> tuple[int, PlannedCall] | None:
    """Score how well a tool fits; None when an argument that it requires cannot be found in the text."""
    clause = Clause(text)
    phrases = re.split(r"[,.:;]| or ", function.get("description", ""))
    score = sum(3 * len(found) for phrase in phrases if (found := clause.find(phrase)))
    known = {stem(word) for word in WORD.findall(function.get("description", "").lower())} - FILLERS
    score += len(known & set(clause.stems))
    parameters = function["parameters"]
    arguments: dict[str, Any] = {}
    for name, schema in parameters.get("properties", {}).items():
        value = _fill(clause, schema)
        if value is not None:
            arguments[name] = value
            score += 2
    if any(name not in arguments for name in parameters.get("required", ())):
        return None
    required = set(parameters.get("required", ()))
    nothing_to_do = required and set(arguments) == required < set(parameters["properties"])
    return (score - NOTHING_TO_DO if nothing_to_do else score), PlannedCall(function["name"], arguments)


def _fill(clause: Clause, schema: Mapping[str, Any]) -> Any:
    """Find an argument's value in the clause by its schema; None when the clause does not mention it."""
    kind = next((part for part in schema.get("anyOf", []) if part.get("type") != "null"), schema)
    description = schema.get("description", "")
    if "enum" in kind:
        return _choice(
            clause, {value: [value, *words] for value, words in _meanings(description, kind["enum"]).items()}
        )
    if kind.get("type") == "boolean":
        chosen = _choice(clause, _meanings(description, ["true", "false"]))
        return None if chosen is None else chosen == "true"
    if kind.get("type") == "integer":
        return _number(clause, _listed(description, "Unit"))
    if "pattern" in kind:
        found = re.search(kind["pattern"].removeprefix("^").removesuffix("$"), clause.text, re.IGNORECASE)
        return found[0].upper() if found else None
    return _name(clause, _listed(description, "Follows"))


def _meanings(description: str, values: Sequence[str]) -> dict[str, list[str]]:
    """Read `value: word, word; value: word` from a description."""
    meanings: dict[str, list[str]] = {value: [] for value in values}
    for value in values:
        found = re.search(rf"(?:^|[.;:]\s*|\s){re.escape(value)}: ([^;.]*)", description)
        if found:
            meanings[value] = [word.strip() for word in found[1].split(",") if word.strip()]
    return meanings


def _choice(clause: Clause, meanings: Mapping[str, Sequence[str]]) -> str | None:
    """Choose the value with the longest phrase in the clause ('not closed' before 'closed'), and use its words up."""
    found = [
        (positions, value) for value, phrases in meanings.items() for p in phrases if (positions := clause.find(p))
    ]
    if not found:
        return None
    positions, value = max(found, key=lambda match: (len(match[0]), -match[0][0]))
    clause.used.update(positions)
    return value


def _listed(description: str, label: str) -> list[str]:
    found = re.search(rf"\b{label}: ([^.;]*)", description)
    return [word.strip() for word in found[1].split(",")] if found else []


def _number(clause: Clause, units: Sequence[str]) -> int | None:
    """Find a number that stands shortly before its unit: '5 oldest tickets', 'ten days'."""
    stems = {stem(unit) for unit in units}
    for index, word in enumerate(clause.words):
        value = int(word) if word.isdigit() else NUMBERS.get(word)
        if value is not None and index not in clause.used and stems & set(clause.stems[index + 1 : index + 4]):
            clause.used.add(index)
            return value
    return None


def _name(clause: Clause, openings: Sequence[str]) -> str | None:
    """Take what is quoted, or the words that follow one of the openings: one for people, more for topics."""
    for opening in openings:
        found = re.search(rf"\b{re.escape(opening)}\s+(.+)", clause.text, re.IGNORECASE)
        if found is None:
            continue
        quoted = re.match(r"[\"'\u201c\u2018]([^\"'\u201d\u2019]+)[\"'\u201d\u2019]", found[1])
        if quoted:
            return quoted[1]
        words: list[str] = []
        for word in found[1].split():
            if word.strip(".,").lower() in ENDS_OF_PHRASE:
                break
            words.append(word.strip(".,"))
        words = words[1:] if words and words[0].lower() in ("the", "a", "an") else words
        if words and words[0].lower() not in ("nobody", "anyone", "each"):
            return " ".join(words)
    return None
