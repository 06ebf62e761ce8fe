"""Directories: what the paths of files begin with."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from blueprints import directories
from blueprints.file_lists import shown_versions
from blueprints.models import Directory
from blueprints.paths import last_name
from config.api.case import moment
from config.errors import NotFound
from playground.v5 import ids
from playground.v5.endpoint import PromptEndpoint
from playground.v5.shapes import DirectoryBody
from playground.v5.showing import show_all


class OfDirectories(PromptEndpoint):
    def directory(self, sent: str) -> Directory:
        rows = Directory.objects.visible_to(self.user).select_related("use_case")
        directory = rows.filter(pk=ids.bare(ids.DIRECTORY, sent)).first()
        if directory is None:
            raise NotFound("Directory not found.")
        return directory

    def wanted(self) -> dict[str, Any]:
        """The body, for the services."""
        given = self.sent(DirectoryBody)
        parent = self.directory(given["parent_id"]) if "parent_id" in given else None
        return {"path": given.get("path"), "name": given.get("name"), "parent": parent}


class Directories(OfDirectories):
    def get(self, request: Request) -> Response:
        return Response(_shown(list(self.use_case.directories.all())))

    def post(self, request: Request) -> Response:
        wanted = self.wanted()
        use_case = wanted["parent"].use_case if wanted["parent"] is not None else self.use_case
        made = directories.create_directory(use_case, user=self.user, **wanted)
        return Response(_one(made), status=201)


class OneDirectory(OfDirectories):
    def get(self, request: Request, directory_id: str) -> Response:
        directory = self.directory(directory_id)
        inner, files = directories.contents(directory)
        return Response(
            _one(directory)
            | {
                "subdirectories": _shown(inner),
                "files": show_all(shown_versions(files)),
                "parents": _shown(directories.parents(directory)),
            }
        )

    def patch(self, request: Request, directory_id: str) -> Response:
        directory = self.directory(directory_id)
        directories.move_directory(directory, user=self.user, **self.wanted())
        return Response(_one(directory))

    def delete(self, request: Request, directory_id: str) -> Response:
        directories.delete_directory(self.directory(directory_id), user=self.user)
        return Response(status=204)


def _one(directory: Directory) -> dict[str, Any]:
    return _shown([directory])[0]


def _shown(rows: list[Directory]) -> list[dict[str, Any]]:
    """All of one use case."""
    above = {row.path.rpartition("/")[0] for row in rows} - {""}
    use_cases = {row.use_case_id for row in rows}
    found = Directory.objects.filter(use_case__in=use_cases, path__in=above) if above else ()
    parents = {row.path: f"{ids.DIRECTORY}_{row.pk}" for row in found}
    return [
        {
            "id": f"{ids.DIRECTORY}_{row.pk}",
            "parent_id": parents.get(row.path.rpartition("/")[0]),
            "name": last_name(row.path),
            "path": row.path,
            "description": row.description or None,
            "readme": row.readme or None,
            "tags": row.tags,
            "created_at": moment(row.created_at),
            "updated_at": moment(row.updated_at),
        }
        for row in rows
    ]
