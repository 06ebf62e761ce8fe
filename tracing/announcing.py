"""Telling pages that show logs that there are new ones, or that some have changed or gone.

What they are told is no more than that: each page asks for what it shows, with its own filter.
"""

from functools import partial

from django.db import transaction

from config.notify import CHANNEL, hint_soon

EVENT = "logged"


def topic(use_case_id: str) -> str:
    return f"logs:{use_case_id}"


def topic_query(use_case_id: str) -> str:
    """How a page's event stream names it."""
    return f"logs={use_case_id}"


def announce(use_case_id: str) -> None:
    """Once the current transaction commits. Beside it, for all commits that tell something in their
    transaction wait for each other."""
    tell = partial(hint_soon, topic=topic(use_case_id), event=EVENT, data={}, channel=CHANNEL)
    transaction.on_commit(tell, robust=True)
