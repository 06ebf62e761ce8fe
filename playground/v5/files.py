"""Prompts, flows and tools: the same verbs for each kind."""

from typing import Any

from django.db import transaction
from django.db.models import Q
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from blueprints import environments, file_lists, files, kernel
from blueprints.file_finding import find_by_path
from blueprints.kinds import AnyFile, Kind, kind_of, versions_of
from blueprints.models import Directory, Environment
from blueprints.prompt_files import write_prompt_file
from blueprints.templates import fill
from config.api.errors import Unprocessable
from config.errors import NotFound
from playground.v5 import ids, selecting, shapes
from playground.v5.endpoint import PromptEndpoint, page_of
from playground.v5.reading import read_json
from playground.v5.showing import sent_kernel, show, show_all, show_environment, with_text
from tracing import deleting

_UPSERTS: dict[Kind, type[shapes.Described]] = {
    "prompt": shapes.PromptUpsert,
    "flow": shapes.FlowUpsert,
    "tool": shapes.ToolUpsert,
}
_DESCRIBED = ("version_name", "version_description", "description", "tags", "readme")


class OfKind(PromptEndpoint):
    """One kind of files; which one is said where the route is."""

    kind: Kind = "prompt"

    def file(self, file_id: str) -> AnyFile:
        return selecting.file_with(self.user, self.kind, file_id)


class Files(OfKind):
    def get(self, request: Request) -> Response:
        query = self.asked(shapes.ListQuery)
        rows = file_lists.listed(
            use_case=self.use_case,
            kind=self.kind,
            name=query.get("name", ""),
            user=query.get("user_filter", ""),
            sort_by=query["sort_by"],
            order=query["order"],
        )
        return page_of(query, rows, lambda some: show_all(file_lists.shown_versions(some)))

    def post(self, request: Request) -> Response:
        given = self.sent(_UPSERTS[self.kind])
        version = files.upsert(
            user=self.user,
            use_case=self.use_case,
            kind=self.kind,
            details=given,
            described={name: given[name] for name in _DESCRIBED if name in given},
            **selecting.named(self.kind, given),
        )
        return Response(show(version))


class OneFile(OfKind):
    def get(self, request: Request, file_id: str) -> Response:
        query = self.asked(shapes.VersionQuery)
        return Response(show(selecting.version_in(self.file(file_id), self.kind, query)))

    def patch(self, request: Request, file_id: str) -> Response:
        given, file = self.sent(shapes.Move), self.file(file_id)
        path = given.get("path")
        if "directory_id" in given:
            path = self._path_in(given["directory_id"], file)
        files.move(file, user=self.user, path=path, name=given.get("name"))
        [version] = file_lists.shown_versions([file])
        return Response(show(version))

    def delete(self, request: Request, file_id: str) -> Response:
        file = self.file(file_id)
        with transaction.atomic():
            deleting.delete_of(file, user=self.user)
            files.delete_file(file, user=self.user)
        return Response(status=204)

    def _path_in(self, directory_id: str, file: AnyFile) -> str:
        pk = ids.bare(ids.DIRECTORY, directory_id)
        directory = Directory.objects.filter(use_case=file.use_case, pk=pk).first()
        if directory is None:
            raise NotFound("Directory not found.")
        return f"{directory.path}/{file.path.rpartition('/')[2]}"


class Versions(OfKind):
    def get(self, request: Request, file_id: str) -> Response:
        return Response({"records": show_all(list(versions_of(self.file(file_id))))})


class OneVersion(OfKind):
    def patch(self, request: Request, file_id: str, version_id: str) -> Response:
        given = self.sent(shapes.VersionPatch)
        version = self._version(file_id, version_id)
        files.name_version(version, user=self.user, **given)
        return Response(show(version))

    def delete(self, request: Request, file_id: str, version_id: str) -> Response:
        files.delete_version(self._version(file_id, version_id), user=self.user)
        return Response(status=204)

    def _version(self, file_id: str, version_id: str) -> Any:
        return selecting.version_in(self.file(file_id), self.kind, {"version_id": version_id})


class Environments(OfKind):
    def get(self, request: Request, file_id: str) -> Response:
        file = self.file(file_id)
        environments.ensure_environments(file.use_case)
        deployed = {
            row["deployments__environment"]: row["pk"]
            for row in versions_of(file).values("pk", "deployments__environment")
        }
        versions = versions_of(file).filter(pk__in=deployed.values())
        shown = {row["version_id"]: row for row in show_all(list(versions))}
        return Response(
            [
                show_environment(one)
                | {"file": shown.get(ids.version_id(self.kind, deployed.get(one.pk, "")))}
                for one in file.use_case.environments.all()
            ]
        )


class OneEnvironment(OfKind):
    def post(self, request: Request, file_id: str, environment_id: str) -> Response:
        query, file = self.asked(shapes.DeploymentQuery), self.file(file_id)
        version = selecting.version_in(file, self.kind, query)
        environments.deploy(version, _environment(file, environment_id), user=self.user)
        return Response(show(version))

    def delete(self, request: Request, file_id: str, environment_id: str) -> Response:
        file = self.file(file_id)
        environments.undeploy(file, _environment(file, environment_id), user=self.user)
        return Response(status=204)


class Populate(OfKind):
    """A prompt's template with inputs in it; nothing is called."""

    def post(self, request: Request, file_id: str) -> Response:
        query, inputs = self.asked(shapes.VersionQuery), read_json(self.request.body)
        if not isinstance(inputs, dict):
            raise Unprocessable.at("body", msg="Input should be an object", type_="dict_type")
        version: Any = selecting.version_in(self.file(file_id), self.kind, query)
        said = kernel.kernel_of(version)
        filled = fill(said["template"], inputs, said["template_language"])
        return Response(show(version) | {"populated_template": filled})


class Serialize(OfKind):
    """A prompt as a `.prompt` file."""

    def get(self, request: Request, file_id: str) -> HttpResponse:
        query = self.asked(shapes.VersionQuery)
        version: Any = selecting.version_in(self.file(file_id), self.kind, query)
        text = write_prompt_file(sent_kernel(kernel.kernel_of(version)))
        return HttpResponse(text, content_type="text/plain; charset=utf-8")


class Deserialize(PromptEndpoint):
    def post(self, request: Request) -> Response:
        given = self.sent(shapes.PromptText)["prompt"]
        return Response(sent_kernel(kernel.filled(given)))


class AllFiles(PromptEndpoint):
    def get(self, request: Request) -> Response:
        query = self.asked(shapes.FilesQuery)
        environment = query.get("environment")
        kinds: Any = [kind for kind in shapes.TYPES if kind in query.get("type", shapes.TYPES)]
        if not kinds:
            return page_of(query, Directory.objects.none(), lambda some: [])
        rows = file_lists.listed_ids(
            use_case=self.use_case,
            kinds=kinds,
            name=query.get("name", ""),
            directory=query.get("path", "").strip("/"),
            environment=environment,
            sort_by=query["sort_by"],
            order=query["order"],
        )

        def show_rows(some: list[tuple[str, Any]]) -> list[dict[str, Any]]:
            found = file_lists.files_of([pk for pk, _ in some])
            versions = file_lists.shown_versions(found, environment)
            shown = show_all(versions)
            if not query["include_raw_file_content"]:
                return shown
            return [with_text(one, version) for one, version in zip(shown, versions, strict=True)]

        return page_of(query, rows, show_rows)


class ByPath(PromptEndpoint):
    def post(self, request: Request) -> Response:
        query, given = self.asked(shapes.RawQuery), self.sent(shapes.ByPath)
        file = find_by_path(use_case=self.use_case, path=given["path"].strip("/"))
        if file is None:
            raise NotFound("There is nothing at this path.")
        version = selecting.version_in(file, kind_of(file), query)
        shown = show(version)
        is_raw = query["include_raw_file_content"]
        return Response(with_text(shown, version) if is_raw else shown)


def _environment(file: AnyFile, named: str) -> Environment:
    """By its id, or its name. Raises NotFound."""
    wanted = Q(pk=ids.bare(ids.ENVIRONMENT, named)) | Q(name=named)
    environments.ensure_environments(file.use_case)
    found = file.use_case.environments.filter(wanted).first() if named.isprintable() else None
    if found is None:
        raise NotFound("Environment not found.")
    return found
