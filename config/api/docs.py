"""The OpenAPI document, for tools, and the same as a page, for people.

The page is made here, without scripts: the usual viewers need styles that the content security
policy forbids. Both are open: they tell what the source code tells.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from drf_spectacular.generators import SchemaGenerator

from config.api.openapi import Json

_ERRORS = {"401", "403", "404", "409", "422"}


@cache
def document() -> Json:
    """The OpenAPI document; it changes only with the code."""
    generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]
    return dict(generator.get_schema(request=None, public=True))


@require_GET
def openapi_document(request: HttpRequest) -> HttpResponse:
    return JsonResponse(document())


@require_GET
def openapi_page(request: HttpRequest) -> HttpResponse:
    return render(request, "api/docs.html", _page())


openapi_document.login_required = False  # type: ignore[attr-defined]
openapi_page.login_required = False  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: str
    # The name of the schema that describes it further, if one does.
    schema: str
    is_required: bool
    notes: str


@dataclass(frozen=True, slots=True)
class Answer:
    status: str
    description: str
    schema: str


@dataclass(frozen=True, slots=True)
class Operation:
    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Field]
    body: str
    answers: list[Answer]
    errors: list[Answer]


@cache
def _page() -> dict[str, Any]:
    groups: dict[str, list[Operation]] = {}
    for path, item in document()["paths"].items():
        for method, described in item.items():
            groups.setdefault(described["tags"][0], []).append(_operation(path, method, described))
    schemas = document()["components"]["schemas"]
    return {
        "title": "API",
        "groups": sorted(groups.items()),
        "schemas": [(name, schemas[name], _fields(schemas[name])) for name in sorted(schemas)],
    }


def _operation(path: str, method: str, described: Json) -> Operation:
    answers = [_answer(status, told) for status, told in described["responses"].items()]
    body = _content(described.get("requestBody", {}))
    return Operation(
        id=described["operationId"],
        method=method.upper(),
        path=path,
        summary=described.get("summary", ""),
        description=described.get("description", ""),
        parameters=[
            _field(place["name"], place["schema"], required=place.get("required", False), at=place)
            for place in described.get("parameters", [])
        ],
        body=_schema_name(body),
        answers=[answer for answer in answers if answer.status not in _ERRORS],
        errors=[answer for answer in answers if answer.status in _ERRORS],
    )


def _answer(status: str, told: Json) -> Answer:
    return Answer(status, told.get("description", ""), _schema_name(_content(told)))


def _content(described: Json) -> Json:
    """The schema of a body; each has one content type."""
    found: Json = next(iter(described.get("content", {}).values()), {})
    return dict(found.get("schema", {}))


def _fields(schema: Json) -> list[Field]:
    required = schema.get("required", [])
    return [
        _field(name, inner, required=name in required, at=inner)
        for name, inner in schema.get("properties", {}).items()
    ]


def _field(name: str, schema: Json, *, required: bool, at: Json) -> Field:
    return Field(
        name=name,
        type=_type(schema),
        schema=_schema_name(schema),
        is_required=required,
        notes=" ".join(filter(None, [at.get("description", ""), _bounds(schema)])),
    )


def _schema_name(schema: Json) -> str:
    """The named schema that this one is, holds a list of, or refines; "" for none."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    inner = [schema.get("items", {}), *schema.get("allOf", []), *schema.get("oneOf", [])]
    return next(filter(None, map(_schema_name, filter(None, inner))), "")


def _type(schema: Json) -> str:
    name = _schema_name(schema)
    kind = schema.get("type") or (name if name else "any")
    if kind == "array":
        kind = f"list of {_type(schema['items'])}"
    return f"{kind} or null" if schema.get("nullable") else str(kind)


def _bounds(schema: Json) -> str:
    told = {
        "minimum": "at least {}",
        "maximum": "at most {}",
        "minLength": "at least {} characters",
        "maxLength": "at most {} characters",
        "default": "default {}",
    }
    parts = [
        words.format(schema[key]) for key, words in told.items() if schema.get(key) is not None
    ]
    if "enum" in schema:
        parts.append("one of " + ", ".join(str(word) for word in schema["enum"]))
    return "; ".join(parts)
