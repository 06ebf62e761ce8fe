"""Reading a chat completion off the wire: only the few fields that an answer needs.

One object per chunk, as the vendor's typed stream builds, costs many times the parsing itself.
"""

import json
from typing import Any

import orjson

from blueprints.providers.base import Completion, Piece, TextPiece, ToolCallPiece
from blueprints.providers.content_filter import note_findings
from config.storable import storable

# A line longer than this is no chunk of a chat completion.
LONGEST_LINE = 4 * 1024 * 1024
_LONGEST_MODEL_NAME = 200
_MOST_TOOL_CALLS = 128
# No answer has more; a server that says so does not count.
_MOST_TOKENS = 100_000_000


# NaN and infinities are no JSON, and no database takes them.
_decode = json.JSONDecoder(parse_constant=lambda _: None).decode


class NotAnAnswer(ValueError):
    """What arrived is not a chat completion."""


class ChatStreamParser:
    """Feeds on bytes as they come, cut anywhere. Text comes out of `feed`, the rest is kept."""

    def __init__(self) -> None:
        self.finish_reason = ""
        self.model_name = ""
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None
        self.reasoning_tokens: int | None = None
        self.usage: dict[str, Any] = {}  # as the server told it
        self.guards: list[dict[str, Any]] = []
        # The calls that the LLM asks for, and what came of them since somebody last took it.
        self.tool_calls: list[dict[str, Any]] = []
        self.tool_deltas: list[dict[str, Any]] = []
        self.logprobs: list[dict[str, Any]] | None = None
        self.error: Any = None  # the server's own, sent instead of a chunk
        self.is_done = False
        self.chunks = 0
        # Chunks that carried something of the answer, unseen thoughts included: a sign of life.
        self.tokens = 0
        self._rest = b""  # a line that has not ended yet
        self._pending = ""  # a JSON value that goes on in the next data line
        self._stray = b""  # a bare JSON line: some servers report errors so

    @property
    def completion_reason(self) -> str:
        """The finish reason in the words of `base.Completion`."""
        if self.finish_reason in ("length", "max_tokens", "model_length"):
            return "length"
        if self.finish_reason == "tool_calls":
            return "tool_calls"
        return "content_filter" if self.finish_reason == "content_filter" else "stop"

    def completion(self, request: dict[str, Any]) -> Completion:
        """What the answer amounts to, its text left out; `request` was sent for it."""
        response = {
            "model": self.model_name,
            "finish_reason": self.finish_reason,
            "usage": self.usage,
            "tool_calls": self.tool_calls,
            "logprobs": self.logprobs,
        }
        return Completion(
            finish_reason=self.completion_reason,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            reasoning_tokens=self.reasoning_tokens,
            model_name=self.model_name,
            guards=self.guards,
            tool_calls=self.tool_calls,
            logprobs=self.logprobs,
            request=request,
            response={name: value for name, value in response.items() if value},
        )

    def pieces(self, text: str) -> list[Piece]:
        """The text that came, and the pieces of tool calls that came with it."""
        pieces: list[Piece] = [TextPiece(text)] if text else []
        if self.tool_deltas:
            pieces.append(ToolCallPiece(self.tool_deltas))
            self.tool_deltas = []
        return pieces

    def feed(self, data: bytes) -> str:
        """The answer's text in these bytes. Raises NotAnAnswer."""
        if self._rest:
            data = self._rest + data
        lines = data.split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > LONGEST_LINE:
            raise NotAnAnswer("endless line")
        text = ""
        for line in lines:
            if line.startswith(b"data:"):
                text += self._data(line[5:])
            elif self._pending or line.startswith(b"{"):
                self._other(line)
        return text

    def finish(self) -> str:
        """The text of a last line without its end, after the last byte. Raises NotAnAnswer."""
        text = self.feed(b"\n\n")
        if not self.chunks and not self.is_done:
            return self.feed_whole(self._stray)
        return text

    def feed_whole(self, body: bytes) -> str:
        """The text of an answer that came in one piece of JSON. Raises NotAnAnswer."""
        text = self._event(_json(body))
        self.is_done = True
        return text

    def _data(self, line: bytes) -> str:
        if self.is_done:
            return ""
        if line.strip() == b"[DONE]":
            self.is_done = True
            return ""
        if not self._pending:
            try:
                return self._event(orjson.loads(line))
            except orjson.JSONDecodeError:
                pass  # it knows no NaN and no half of a pair of surrogates, which servers send
        try:
            payload = self._pending + line.decode()
            event = _decode(payload)
        except UnicodeDecodeError as error:
            raise NotAnAnswer("not UTF-8") from error
        except ValueError:
            # An event may be spread over several data lines; the blank line after it decides.
            self._pending = payload + "\n"
            if len(self._pending) > LONGEST_LINE:
                raise NotAnAnswer("endless event") from None
            return ""
        self._pending = ""
        return self._event(event)

    def _other(self, line: bytes) -> None:
        if self._pending and not line.strip():
            if self._pending.strip():
                raise NotAnAnswer("not JSON")
            self._pending = ""
        elif not self.chunks and len(self._stray) < LONGEST_LINE:
            self._stray += line

    def _event(self, event: Any) -> str:
        if not isinstance(event, dict):
            raise NotAnAnswer("not an object")
        if event.get("error"):
            self.error = event["error"]
            return ""
        choices = event.get("choices")
        if choices is None and not event.get("usage"):
            if "object" in event or "prompt_filter_results" in event:
                return ""
            raise NotAnAnswer("no choices")
        self.chunks += 1
        if not self.model_name and isinstance(event.get("model"), str):
            self.model_name = storable(event["model"])[:_LONGEST_MODEL_NAME]
        if event.get("usage"):
            self._usage(event["usage"])
        if event.get("prompt_filter_results"):
            self._prompt_filters(event["prompt_filter_results"])
        return self._choice(choices[0]) if choices and isinstance(choices, list) else ""

    def _choice(self, choice: Any) -> str:
        if not isinstance(choice, dict):
            raise NotAnAnswer("no choice")
        if choice.get("index"):
            return ""
        if choice.get("finish_reason"):
            self.finish_reason = str(choice["finish_reason"])
        self._note_beside(choice)
        delta = choice.get("delta") or choice.get("message") or {}
        if not isinstance(delta, dict):
            raise NotAnAnswer("no delta")
        if delta.get("tool_calls"):
            self._note_tool_calls(delta["tool_calls"])
        text = delta.get("content")
        if text and isinstance(text, str):
            self.tokens += 1
            return text
        return self._rare(delta)

    def _note_beside(self, choice: dict[str, Any]) -> None:
        """What comes beside the answer."""
        if choice.get("content_filter_results"):
            note_findings(self.guards, choice["content_filter_results"], "response")
        told = choice.get("logprobs")
        content = told.get("content") if isinstance(told, dict) else None
        if isinstance(content, list):
            self.logprobs = self.logprobs or []
            self.logprobs += content

    def _note_tool_calls(self, deltas: Any) -> None:
        """A call's name and arguments may come in pieces; `index` says of which call."""
        for place, delta in enumerate(deltas if isinstance(deltas, list) else [deltas]):
            if not isinstance(delta, dict):
                raise NotAnAnswer("no tool call")
            index = delta.get("index", place)
            if not isinstance(index, int) or index not in range(
                min(len(self.tool_calls) + 1, _MOST_TOOL_CALLS)
            ):
                raise NotAnAnswer("a tool call out of order")
            if index == len(self.tool_calls):
                empty = {"name": "", "arguments": ""}
                self.tool_calls.append({"id": "", "type": "function", "function": empty})
            function = delta.get("function") or {}
            call = self.tool_calls[index]
            call["id"] = call["id"] or str(delta.get("id") or "")
            for part in ("name", "arguments"):
                call["function"][part] += str(function.get(part) or "")
            self.tool_deltas.append({**delta, "index": index})

    def _rare(self, delta: dict[str, Any]) -> str:
        """A refusal, a content in parts, or thoughts, which are no part of the answer."""
        refusal = delta.get("refusal")
        if refusal and isinstance(refusal, str):
            self.tokens += 1
            if not any(guard["name"] == "refusal" for guard in self.guards):
                self.guards.append({"name": "refusal", "stage": "response", "filtered": False})
            return refusal
        parts = delta.get("content")
        if isinstance(parts, list):
            self.tokens += 1
            return "".join(
                part["text"]
                for part in parts
                if isinstance(part, dict) and isinstance(part.get("text"), str)
            )
        self.tokens += any(value for key, value in delta.items() if key != "role")
        return ""

    def _usage(self, usage: Any) -> None:
        if isinstance(usage, dict):
            self.usage = usage
            self.input_tokens = _count(usage.get("prompt_tokens"), self.input_tokens)
            self.output_tokens = _count(usage.get("completion_tokens"), self.output_tokens)
            details = usage.get("completion_tokens_details")
            if isinstance(details, dict):
                self.reasoning_tokens = _count(
                    details.get("reasoning_tokens"), self.reasoning_tokens
                )

    def _prompt_filters(self, results: Any) -> None:
        for result in results if isinstance(results, list) else []:
            if isinstance(result, dict):
                note_findings(self.guards, result.get("content_filter_results"), "prompt")


def _json(body: bytes) -> Any:
    try:
        return _decode(body.decode())
    except ValueError as error:
        raise NotAnAnswer("not JSON") from error


def _count(value: Any, known: int | None) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool)
    return value if is_count and 0 <= value <= _MOST_TOKENS else known
