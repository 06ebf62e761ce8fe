"""A prompt's messages as the rows of a form, and back. What the rows do not show is kept."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from django.http import QueryDict
from rest_framework.exceptions import ValidationError

from blueprints.kernel import joined_template
from blueprints.llm_settings import LONGEST_PROMPT
from blueprints.prompt_details import JSON
from blueprints.settings import AnswerSettings
from config.errors import InvalidInput
from config.storable import storable
from playground.prompt_pages.contents import pretty
from playground.prompt_pages.json_in import first_problem, read_json
from playground.v5.messages import ROLES, Message

MOST_MESSAGES = 200


@dataclass(slots=True)
class MessageRow:
    """`kept` is JSON of what else the message has. With `is_parts` its content is JSON too: texts
    and pictures."""

    role: str
    content: str
    kept: str = ""
    is_parts: bool = False
    error: str = ""


def rows_of(settings: AnswerSettings) -> list[MessageRow]:
    """At least a system prompt and a message of the user, to be filled in."""
    template = joined_template(settings.llm_settings.system_prompt, settings.prompt.template)
    if isinstance(template, str):
        template = [{"role": "user", "content": template}]
    rows = [_row(message) for message in template or []]
    if not rows or rows[0].role not in {"system", "developer"}:
        rows.insert(0, MessageRow("system", ""))
    return rows


def sent_rows(data: QueryDict) -> list[MessageRow]:
    """As they were filled in; rows without any text are none."""
    roles, contents = data.getlist("role"), data.getlist("content")
    kept, parts = data.getlist("kept"), data.getlist("parts")
    if not len(roles) == len(contents) == len(kept) == len(parts):
        raise InvalidInput("The messages did not arrive whole: reload the page and try again.")
    if len(roles) > MOST_MESSAGES:
        raise InvalidInput(f"At most {MOST_MESSAGES} messages, please.")
    sent = zip(roles, contents, kept, parts, strict=True)
    rows = [
        MessageRow(role, content.replace("\r\n", "\n"), more, is_parts == "1")
        for role, content, more, is_parts in sent
    ]
    return [row for row in rows if row.content.strip() or row.kept]


def messages_of(rows: Sequence[MessageRow]) -> list[JSON]:
    """As a template has them. Raises InvalidInput, and notes at the rows what is wrong with them."""
    messages = []
    for row in rows:
        try:
            messages.append(_message(row))
        except InvalidInput as error:
            row.error = error.message
    if any(row.error for row in rows):
        raise InvalidInput("Some messages do not hold: see what is said there.")
    return messages


def _row(message: JSON) -> MessageRow:
    content = message.get("content")
    is_parts = isinstance(content, list)
    more = {name: value for name, value in message.items() if name not in {"role", "content"}}
    return MessageRow(
        role=message["role"],
        content=pretty(content) if is_parts else content or "",
        kept=json.dumps(more, ensure_ascii=False) if more else "",
        is_parts=is_parts,
    )


def _message(row: MessageRow) -> JSON:
    if row.role not in ROLES:
        raise InvalidInput(f"A message is of {', '.join(ROLES)}.")
    if storable(row.content) != row.content:
        raise InvalidInput("It holds a character that is none: type it anew.")
    if len(row.content) > LONGEST_PROMPT:
        raise InvalidInput(f"At most {LONGEST_PROMPT:,} characters, please.")
    message: JSON = {"role": row.role}
    if row.content or not row.kept:
        message["content"] = read_json(row.content) if row.is_parts else row.content
    if row.kept:
        more = read_json(row.kept)
        if not isinstance(more, dict):
            raise InvalidInput("What else the message has did not arrive whole: reload the page.")
        message = more | message
    try:
        checked: JSON = Message().run_validation(message)
    except ValidationError as error:
        raise InvalidInput(first_problem(error.detail)) from None
    return checked
