"""Finding personal data by rules: kinds that can be told from their form, most of them by a
checksum. Names and addresses of people cannot; an LLM that judges finds those."""

import re
from collections.abc import Callable
from dataclasses import dataclass


def _is_card(text: str) -> bool:
    """By Luhn's checksum."""
    digits = [int(letter) for letter in text if letter.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_iban(text: str) -> bool:
    """By ISO 7064: the remainder of 97 is 1."""
    code = text.replace(" ", "").replace("-", "").upper()
    if not 15 <= len(code) <= 34:
        return False
    return int("".join(str(int(letter, 36)) for letter in code[4:] + code[:4])) % 97 == 1


def _is_phone(text: str) -> bool:
    return 8 <= sum(letter.isdigit() for letter in text) <= 15


def _always(text: str) -> bool:
    return True


# No pattern can match the same text in two ways, so that none takes more than linear time.
_KINDS: dict[str, tuple[re.Pattern[str], Callable[[str], bool]]] = {
    "EMAIL_ADDRESS": (
        re.compile(r"(?<![\w.+-])[\w+-]+(?:\.[\w+-]+)*@[\w-]+(?:\.[\w-]+)+", re.ASCII),
        _always,
    ),
    "IBAN_CODE": (
        re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?\b"),
        _is_iban,
    ),
    "CREDIT_CARD": (re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])"), _is_card),
    "US_SSN": (
        re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])"),
        _always,
    ),
    # With the country's number, or in the form of North America.
    "PHONE_NUMBER": (
        re.compile(
            r"(?<!\w)\+\d(?:[ ./()-]{0,2}\d){7,14}(?!\w)"
            r"|(?<![\w-])(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w-])"
        ),
        _is_phone,
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    kind: str
    start: int
    end: int


def find_personal_data(text: str) -> list[Finding]:
    """What there is, in the order of the text. No character belongs to two findings."""
    found: list[Finding] = []
    taken = bytearray(len(text))
    for kind, (pattern, is_one) in _KINDS.items():
        for match in pattern.finditer(text):
            start, end = match.span()
            if not any(taken[start:end]) and is_one(match[0]):
                taken[start:end] = b"\1" * (end - start)
                found.append(Finding(kind, start, end))
    return sorted(found, key=lambda one: one.start)


def masked(text: str, findings: list[Finding]) -> str:
    """The text with `<EMAIL_ADDRESS>` and the like in the place of each finding."""
    parts, end = [], 0
    for finding in findings:
        parts += [text[end : finding.start], f"<{finding.kind}>"]
        end = finding.end
    return "".join([*parts, text[end:]])
