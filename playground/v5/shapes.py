"""What requests about files may hold."""

from config.api.fields import Choice, QueryBool, Str, StrList
from playground.v5.endpoint import PageQuery
from playground.v5.messages import FlowKernel, Kernel, PromptDetails, ToolKernel
from playground.v5.reading import Shape

_LONGEST_NAME = 200
_LONGEST_TEXT = 100_000
TYPES = ("prompt", "tool", "flow", "evaluator")
TOOL_TYPES = (
    "json_schema",
    "python",
    "snippet",
    "google",
    "pinecone_search",
    "get_api_call",
    "mock",
)


class Named(Shape):
    """By which a request names a file: its path or its id."""

    path = Str(required=False)
    id = Str(required=False)


class Described(Named):
    version_name = Str(max_length=_LONGEST_NAME, required=False)
    version_description = Str(max_length=_LONGEST_TEXT, required=False)
    description = Str(max_length=_LONGEST_TEXT, required=False)
    readme = Str(max_length=_LONGEST_TEXT, required=False)
    tags = StrList(required=False)


class PromptUpsert(Described, Kernel):
    pass


class FlowUpsert(Described, FlowKernel):
    pass


class ToolUpsert(Described, ToolKernel):
    tool_type = Choice(TOOL_TYPES, required=False)


class VersionQuery(Shape):
    """By which a request chooses a version."""

    version_id = Str(required=False)
    environment = Str(required=False)


class ListQuery(PageQuery):
    name = Str(required=False)
    user_filter = Str(required=False)
    sort_by = Choice(["created_at", "updated_at", "name"], default="created_at")
    order = Choice(["asc", "desc"], default="desc")


class FilesQuery(ListQuery):
    path = Str(required=False)
    type = StrList(child=Choice([*TYPES, "dataset", "agent"]), required=False)
    environment = Str(required=False)
    include_raw_file_content = QueryBool(default=False)


class Move(Shape):
    path = Str(required=False)
    name = Str(required=False)
    directory_id = Str(required=False)


class VersionPatch(Shape):
    name = Str(max_length=_LONGEST_NAME, required=False)
    description = Str(max_length=_LONGEST_TEXT, required=False)


class DeploymentQuery(Shape):
    version_id = Str()


class PromptText(Shape):
    prompt = PromptDetails()


class RawQuery(VersionQuery):
    include_raw_file_content = QueryBool(default=False)


class ByPath(Shape):
    path = Str()


class DirectoryBody(Shape):
    name = Str(required=False)
    parent_id = Str(required=False)
    path = Str(required=False)
