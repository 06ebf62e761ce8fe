"""Versions are found by their content, or made: never changed but for their names."""

from django.db import transaction
from django.db.models import Max, Q

from accounts.models import User
from accounts.services import require_editor
from blueprints.kernel import canonical_hash, filled, filled_function, kernel_hash, settings_of
from blueprints.kinds import FILE_VERSIONS, PROMPT_VERSIONS, AnyFile, AnyVersion
from blueprints.models import LLM, Blueprint, BlueprintVersion, File, FileKind, FileVersion
from blueprints.prompt_details import JSON
from blueprints.settings import AnswerSettings
from blueprints.tools import check_linked_tools
from config.compiled import Compiled, given
from vectordb.models import VectorDatabase

# What says nothing when it is empty.
_CONTENTS: dict[str, tuple[str, ...]] = {
    FileKind.FLOW: ("attributes",),
    FileKind.TOOL: ("function", "source_code", "setup_values", "attributes"),
    FileKind.EVALUATOR: ("spec",),
}

_NEWEST = Compiled(
    lambda: BlueprintVersion.objects.filter(blueprint=given("blueprint")).order_by("-number")
)
# Two may have the same kernel, where an LLM was renamed in between: always the same of them. Those
# without a hash are from before there were such.
_SAME = Compiled(
    lambda: PROMPT_VERSIONS.filter(
        Q(kernel_hash=given("kernel")) | Q(content_hash=given("content")) | Q(kernel_hash=""),
        blueprint=given("blueprint"),
    ).order_by("number")
)
_SAME_CONTENT = Compiled(
    lambda: FILE_VERSIONS.filter(file=given("file"), content_hash=given("content"))
)


def lock_versions(file: AnyFile) -> None:
    """Wait until nobody else makes a version of it."""
    type(file)._default_manager.select_for_update(no_key=True).only("pk").get(pk=file.pk)


def find_or_make_version(file: AnyFile, details: JSON, *, user: User) -> AnyVersion:
    """The version with these details: a kernel of the prompt API, or a flow's or tool's content.

    The same details give the same version, whoever sends them at the same moment. Making one needs
    an editing role. Raises InvalidInput where a detail does not hold.
    """
    found = _find(file, details)
    if found is not None:
        return found
    require_editor(file.use_case, user)
    with transaction.atomic():
        lock_versions(file)
        return _find(file, details) or _make(file, details, user)


def make_version(blueprint: Blueprint, settings: AnswerSettings, *, user: User) -> BlueprintVersion:
    """A new one with these settings, which no other has; the caller holds the lock."""
    last = blueprint.versions.aggregate(last=Max("number"))["last"] or 0
    version = as_version(blueprint, settings)
    version.number = last + 1
    version.kernel_hash = kernel_hash(settings, _llm_of(settings))
    version.created_by = user
    version.save(force_insert=True)
    return version


def as_version(blueprint: Blueprint, settings: AnswerSettings) -> BlueprintVersion:
    """What would say this, to be looked at: it is not stored, and has no number."""
    llm_id, database_id = settings.llm_id, settings.vector_database_id
    knows_llm = llm_id and LLM.objects.filter(pk=llm_id).exists()
    is_there = database_id and VectorDatabase.objects.filter(pk=database_id).exists()
    return BlueprintVersion(
        blueprint=blueprint,
        content_hash=settings.content_hash(),
        llm_id=llm_id if knows_llm else None,
        saved_llm_id=settings.llm_id or "",
        llm_settings=settings.llm_settings.to_json(),
        prompt_details=settings.prompt.to_json(),
        vector_database_id=database_id if is_there else None,
        saved_vector_database_id=database_id or "",
        retrieval_settings=settings.retrieval_settings.to_json(),
        prompt_type=settings.prompt_type,
    )


def _find(file: AnyFile, details: JSON) -> AnyVersion | None:
    if isinstance(file, File):
        content = canonical_hash(_content(file, details))
        return _SAME_CONTENT.first(file=file.pk, content=content)
    settings = _settings(file, details)
    asked = {
        "blueprint": file.pk,
        "kernel": kernel_hash(settings, None),
        "content": settings.content_hash(),
    }
    found = _SAME.all(**asked)
    if older := [version for version in found if not version.kernel_hash]:
        _hash(older)
        found = [version for version in _SAME.all(**asked) if version.kernel_hash]
    return found[0] if found else None


def _make(file: AnyFile, details: JSON, user: User) -> AnyVersion:
    if isinstance(file, Blueprint):
        settings = _settings(file, details)
        check_linked_tools(file.use_case, settings.prompt.linked_tools or [])
        return make_version(file, settings, user=user)
    content = _content(file, details)
    last = file.versions.aggregate(last=Max("number"))["last"] or 0
    return FileVersion.objects.create(
        file=file,
        number=last + 1,
        content_hash=canonical_hash(content),
        content=content | _told_type(details),
        created_by=user,
    )


def _settings(blueprint: Blueprint, details: JSON) -> AnswerSettings:
    """What is not in the kernel is as in the newest version."""
    newest = _NEWEST.first(blueprint=blueprint.pk)
    base = AnswerSettings.of_version(newest) if newest is not None else None
    return settings_of(filled(details), base)


def _content(file: File, details: JSON) -> JSON:
    names = _CONTENTS[file.kind]
    content = {name: details[name] for name in names if details.get(name) not in (None, "", {})}
    if "function" in content:
        content["function"] = filled_function(content["function"])
    return content


def _told_type(details: JSON) -> JSON:
    """What a program says of a tool, and what makes no other version of it."""
    return {"tool_type": details["tool_type"]} if details.get("tool_type") else {}


def _llm_of(settings: AnswerSettings) -> LLM | None:
    if settings.prompt.model or settings.llm_id is None:
        return None
    return LLM.objects.select_related("endpoint").filter(pk=settings.llm_id).first()


def _hash(versions: list[BlueprintVersion]) -> None:
    for version in versions:
        version.kernel_hash = kernel_hash(AnswerSettings.of_version(version), version.llm)
        version.save(update_fields=["kernel_hash"])
