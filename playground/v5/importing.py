"""Prompts and logs that another service's export holds, into a use case.

An export is a folder. Each `.prompt` file in it is a prompt, called by its path below the folder; each
line of a `.jsonl` file is a log as the prompt API shows it, with its children and judgments inside or
in lines of their own. What is here already, by its id, stays as it is, so that an import can be
repeated.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rest_framework.exceptions import APIException

from accounts.models import UseCase, User
from accounts.services import require_editor
from blueprints import files
from blueprints.kinds import Kind
from blueprints.prompt_details import JSON
from config.errors import AppError
from playground.v5 import log_shapes, shapes
from playground.v5.errors import text_of_error
from playground.v5.log_writing import write, write_judgment
from playground.v5.reading import Shape, read_json, validated
from tracing import logs
from tracing.models import Log, LogKind, LogStatus

_SHAPES: dict[Kind, type[Shape]] = {
    "prompt": log_shapes.NewPromptLog,
    "flow": log_shapes.NewFlowLog,
    "tool": log_shapes.NewToolLog,
    "evaluator": log_shapes.NewEvaluatorLog,
}
_PROGRESS = 1_000


@dataclass(slots=True)
class Report:
    """How many were written, how many were here already, and what could not be read, with its place."""

    prompts: int = 0
    logs: int = 0
    known: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Importer:
    user: User
    use_case: UseCase
    note: Callable[[str], None]
    report: Report = field(default_factory=Report)
    # Logs that came before their parents, with their places.
    _waiting: list[tuple[str, JSON]] = field(default_factory=list)
    # Flows are completed at the end, for a complete one takes no children.
    _complete: list[tuple[str, JSON]] = field(default_factory=list)

    def run(self, folder: Path) -> Report:
        """Raises Forbidden for a viewer. What is wrong in the export is in the report."""
        require_editor(self.use_case, self.user)
        for path in sorted(folder.rglob("*.prompt")):
            self._prompt(path, path.relative_to(folder))
        for place, line in _lines(folder):
            self._line(place, line)
        self._write_waiting()
        for public_id, shown in self._complete:
            self._complete_flow(public_id, shown)
        return self.report

    def _prompt(self, path: Path, relative: Path) -> None:
        try:
            text = path.read_text(encoding="utf-8")
            details = validated({"prompt": text}, shapes.PromptText, where=str(relative))["prompt"]
            files.upsert(
                user=self.user,
                use_case=self.use_case,
                kind="prompt",
                path=relative.with_suffix("").as_posix(),
                file_id=None,
                details=details,
                described={},
            )
        except (AppError, APIException, UnicodeDecodeError) as error:
            self._problem(str(relative), error)
        else:
            self.report.prompts += 1

    def _line(self, place: str, line: bytes) -> None:
        try:
            shown = read_json(line)
        except APIException as error:
            self._problem(place, error)
            return
        if isinstance(shown, dict):
            self._log(place, shown)
        else:
            self.report.problems.append(f"{place}: a line is one log, as an object.")

    def _log(self, place: str, shown: JSON) -> None:
        """With what it holds."""
        named = [name for name in _awaited(shown) if shown.get(name) is not None]
        for name in named:
            if not isinstance(shown[name], str):
                self.report.problems.append(f"{place}: {name} is the id of a log.")
                return
        if any(self._known(shown[name]) is None for name in named):
            self._waiting.append((place, shown))
            return
        if not self._written(place, shown):
            return
        for child in _objects(shown, "trace_children"):
            self._log(place, {"trace_parent_id": shown.get("id")} | child)
        for judgment in _objects(shown, "evaluator_logs"):
            self._written(place, {"parent_id": shown.get("id")} | judgment)

    def _write_waiting(self) -> None:
        """Until no parent is found any more. Those whose parents are nowhere stand for themselves."""
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            for place, shown in waiting:
                self._log(place, shown)
            if len(self._waiting) == len(waiting):
                self._free_the_lost()

    def _free_the_lost(self) -> None:
        """All whose parents are nowhere; of a circle one. Without what it is about no judgment says
        anything."""
        waiting, self._waiting = self._waiting, []
        ids = {str(shown.get("id") or shown.get("log_id")) for _, shown in waiting}
        missing = [self._missing(shown) for _, shown in waiting]
        is_circle = all(
            shown[name] in ids for (_, shown), name in zip(waiting, missing, strict=True)
        )
        for number, ((place, shown), name) in enumerate(zip(waiting, missing, strict=True)):
            if shown[name] in ids and not (is_circle and number == 0):
                self._waiting.append((place, shown))
            elif name == "parent_id":
                self.report.problems.append(
                    f"{place}: {shown[name]}, which it is about, is not in the export."
                )
            else:
                self.report.problems.append(
                    f"{place}: its parent {shown[name]} is not in the export; it is kept without one."
                )
                self._log(place, shown | {name: None})

    def _missing(self, shown: JSON) -> str:
        """Under which name it names what is not here."""
        named = [name for name in _awaited(shown) if shown.get(name) is not None]
        return next((name for name in named if self._known(shown[name]) is None), "trace_parent_id")

    def _written(self, place: str, shown: JSON) -> bool:
        """Whether it is here now."""
        kind = next((kind for kind in _SHAPES if isinstance(shown.get(kind), dict)), None)
        public_id = shown.get("id") or shown.get("log_id")
        if kind is None or not isinstance(public_id, str):
            self.report.problems.append(
                f"{place}: a log has an id, and the prompt, flow, tool or evaluator that it is of."
            )
            return False
        if kind == "flow" and shown.get("log_status") == LogStatus.COMPLETE:
            self._complete.append((public_id, shown))
        if self._known(public_id) is not None:
            self.report.known += 1
            return True
        try:
            body = validated(_sent(kind, public_id, shown), _SHAPES[kind], where="log")
            if kind == "evaluator":
                write_judgment(user=self.user, use_case=self.use_case, body=body)
            else:
                write(user=self.user, use_case=self.use_case, kind=kind, body=body)
        except (AppError, APIException) as error:
            self._problem(place, error)
            return False
        self.report.logs += 1
        if self.report.logs % _PROGRESS == 0:
            self.note(f"{self.report.logs:,} logs")
        return True

    def _complete_flow(self, public_id: str, shown: JSON) -> None:
        log = self._known(public_id)
        if log is None or log.kind != LogKind.FLOW or log.log_status == LogStatus.COMPLETE:
            return
        ended = log.ended_at
        try:
            logs.patch(log, user=self.user, changes={"log_status": LogStatus.COMPLETE})
            if ended is not None:
                logs.patch(log, user=self.user, changes={"ended_at": ended})
        except AppError as error:
            self._problem(f"log {public_id}", error)

    def _known(self, public_id: str) -> Log | None:
        return Log.objects.filter(use_case=self.use_case).of_programs().named(public_id)

    def _problem(self, place: str, error: Exception) -> None:
        self.report.problems.append(f"{place}: {text_of_error(error)}")


def _awaited(shown: JSON) -> tuple[str, ...]:
    """The names under which a log names others, which must be here before it."""
    is_judgment = isinstance(shown.get("evaluator"), dict)
    return ("trace_parent_id", "parent_id") if is_judgment else ("trace_parent_id",)


def _lines(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*.jsonl")):
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield f"{path.relative_to(folder)}:{number}", line


def _objects(shown: JSON, name: str) -> list[JSON]:
    found = shown.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _sent(kind: Kind, public_id: str, shown: JSON) -> JSON:
    """The log as its caller would send it."""
    body: JSON = {name: value for name, value in shown.items() if value is not None}
    details: JSON = {name: value for name, value in body.pop(kind).items() if value is not None}
    body |= {"path": details.get("path"), "log_id": public_id}
    body.pop("id", None)
    if kind == "evaluator":
        return body | ({"spec": details["spec"]} if "spec" in details else {})
    if kind == "flow":
        body["log_status"] = LogStatus.INCOMPLETE
    # An answer shows these tools with all that they are; they have other ids here.
    details.pop("linked_tools", None)
    return body | {kind: details}
