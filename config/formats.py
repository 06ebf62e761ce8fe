"""How numbers are shown. Built into every template."""

import re
from datetime import datetime
from decimal import Decimal

from django import template

register = template.Library()

_HEADING = re.compile(r"(?:^|(?<=\s))#{1,6}\s")
_SECOND = 1_000
_MINUTE = 60 * _SECOND
_CENT = Decimal("0.01")


@register.filter
def duration(milliseconds: float | None) -> str:
    """`6 ms`, `1.24 s`, `3 min 5 s`; nothing for None."""
    if milliseconds is None:
        return ""
    if milliseconds < _SECOND:
        return f"{milliseconds:.0f} ms" if milliseconds >= 1 else f"{milliseconds:.1f} ms"
    if milliseconds < _MINUTE:
        return f"{milliseconds / _SECOND:.2f} s"
    minutes, rest = divmod(round(milliseconds / _SECOND), 60)
    return f"{minutes} min {rest} s"


@register.filter
def roughly(milliseconds: float) -> str:
    """`40 s`, `3 min`, `2 h 10 min`: an estimate promises no more."""
    seconds = round(milliseconds / _SECOND)
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


@register.filter
def until(start: datetime | None, end: datetime | None) -> str:
    """The time between two moments, as `duration` shows it."""
    if start is None or end is None:
        return ""
    return duration((end - start).total_seconds() * _SECOND)


@register.filter
def dollars(amount: Decimal | None) -> str:
    """Two significant digits below a cent, since most answers cost less than one."""
    if amount is None:
        return ""
    if amount == 0:
        return "$0"
    if amount >= _CENT:
        return f"${amount:,.2f}"
    digits = 1 - amount.adjusted()
    return f"${amount:.{digits}f}"


@register.filter
def percent(part: float, whole: float) -> int:
    """0 to 100; an unknown whole is 0."""
    return min(100, round(100 * part / whole)) if whole else 0


@register.filter
def excerpt(text: str) -> str:
    """A passage as running text: white space and the marks of Markdown headings left out."""
    return _HEADING.sub("", " ".join(text.split()))


@register.filter
def readable_separator(separator: str) -> str:
    """A separator as one would write it in code: a line break is `\\n`, nothing is `""`."""
    shown = separator.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
    if not shown:
        return '""'
    return f'"{shown}"' if shown != shown.strip() else shown
