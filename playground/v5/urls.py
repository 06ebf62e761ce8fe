"""The prompt API. Paths have no slash at their end."""

from django.urls import URLPattern, path

from blueprints.kinds import Kind
from config.api.fallback import unknown_route
from playground.v5 import calls, directories, files, log_urls


def _files(root: str, kind: Kind) -> list[URLPattern]:
    """What there is of every kind of files."""
    one = f"{root}/<str:file_id>"
    return [
        path(root, files.Files.as_view(kind=kind)),
        path(one, files.OneFile.as_view(kind=kind)),
        path(f"{one}/versions", files.Versions.as_view(kind=kind)),
        path(f"{one}/versions/<str:version_id>", files.OneVersion.as_view(kind=kind)),
        path(f"{one}/environments", files.Environments.as_view(kind=kind)),
        path(f"{one}/environments/<str:environment_id>", files.OneEnvironment.as_view(kind=kind)),
    ]


urlpatterns = [
    path("prompts/call", calls.call_prompt),
    *log_urls.urlpatterns,
    path("prompts/deserialize", files.Deserialize.as_view()),
    *_files("prompts", "prompt"),
    path("prompts/<str:file_id>/populate", files.Populate.as_view()),
    path("prompts/<str:file_id>/serialize", files.Serialize.as_view()),
    *_files("flows", "flow"),
    *_files("tools", "tool"),
    path("files", files.AllFiles.as_view()),
    path("files/retrieve-by-path", files.ByPath.as_view()),
    path("directories", directories.Directories.as_view()),
    path("directories/<str:directory_id>", directories.OneDirectory.as_view()),
    path("", unknown_route),
    path("<path:rest>", unknown_route),
]
