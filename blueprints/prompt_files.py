"""`.prompt` files: a kernel as text that people keep beside their code.

A YAML header between `---` lines holds all fields but the template. Behind it stands the template: a
completion as it is, a chat's messages as blocks such as `<user>`, their text two blanks in. What has
no place in such blocks stands in the header, under `template`: a file read gives the kernel that it
was written from.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from blueprints.kernel import filled
from blueprints.prompt_details import JSON
from config.errors import InvalidInput

_ROLES = ("system", "user", "assistant", "tool", "developer")
_FENCE = "---"
_HEADER = re.compile(r"\s*---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_OPEN = re.compile(r"<(\w+)((?:\s+\w+=\"[^\"]*\")*)\s*(/?)>(.*)", re.DOTALL)
_ATTRIBUTE = re.compile(r"(\w+)=\"([^\"]*)\"")
_INDENT = "  "
_LONGEST_HEADER = 200_000
_DEEPEST = 100


class _Loader(yaml.SafeLoader):
    """Values of JSON alone; no references, of which a short text makes an endless value."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("references (*name) are not read here")
        return super().compose_node(parent, index)

    def fetch_more_tokens(self) -> Any:
        # Each level that is open takes time with each further token.
        if self.flow_level + len(self.indents) > _DEEPEST:
            raise yaml.YAMLError("it is nested too deeply")
        return super().fetch_more_tokens()


def write_prompt_file(kernel: JSON) -> str:
    """The text of a kernel with all its fields."""
    header = {name: value for name, value in kernel.items() if value not in (None, {})}
    template = header.pop("template", None)
    text = _joined(header, _written(template))
    if filled(read_prompt_file(text)) == kernel:
        return text
    return _joined(header | {"template": template}, "")


def read_prompt_file(text: str) -> JSON:
    """The fields of a kernel as they are in the text, unchecked. Raises InvalidInput for a text that
    is no such file."""
    text = text.replace("\r\n", "\n")
    found = _HEADER.match(text)
    if found is None:
        raise _wrong(f"it must begin with a header between two lines of {_FENCE}")
    if len(found[1]) > _LONGEST_HEADER:
        raise _wrong(f"its header may have {_LONGEST_HEADER:,} characters at most")
    try:
        kernel = yaml.load(found[1], _Loader)  # noqa: S506 - a loader that is safer than SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _wrong(f"its header is not YAML: {error}") from error
    if not isinstance(kernel, dict) or not all(isinstance(name, str) for name in kernel):
        raise _wrong("its header must be names and values")
    template = _template(text[found.end() :].removeprefix("\n"), kernel.get("endpoint", "chat"))
    return kernel if template is None else kernel | {"template": template}


def _joined(header: JSON, body: str) -> str:
    shown = yaml.safe_dump(header, sort_keys=False, allow_unicode=True)
    return f"{_FENCE}\n{shown}{_FENCE}\n" + (f"\n{body}" if body else "")


def _written(template: Any) -> str:
    if isinstance(template, list):
        return "\n\n".join(_block_of(message) for message in template) + "\n"
    return template or ""


def _block_of(message: JSON) -> str:
    names = {"name": message.get("name"), "id": message.get("tool_call_id")}
    content, calls = message.get("content", ""), message.get("tool_calls")
    if isinstance(content, str) and not calls:
        return _block(message["role"], names, content)
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    blocks = [_part(part) for part in parts if part.get("text") != ""]
    blocks += [
        _block("tool", _names_of(call), call["function"].get("arguments", ""))
        for call in calls or ()
    ]
    return _block(message["role"], names, "\n".join(blocks))


def _names_of(call: JSON) -> dict[str, Any]:
    return {"name": call["function"]["name"], "id": call["id"]}


def _part(part: JSON) -> str:
    if part["type"] == "text":
        return _block("text", {}, part["text"])
    image = part["image_url"]
    return f"<image{_attributes({'url': image['url'], 'detail': image.get('detail')})}/>"


def _block(tag: str, names: dict[str, Any], content: str) -> str:
    lines = [_INDENT + line if line else "" for line in content.split("\n")]
    return "\n".join([f"<{tag}{_attributes(names)}>", *lines, f"</{tag}>"])


def _attributes(names: dict[str, Any]) -> str:
    return "".join(f' {name}="{value}"' for name, value in names.items() if value is not None)


def _template(body: str, endpoint: Any) -> Any:
    """None where there is nothing."""
    if not body.strip():
        return None
    if endpoint == "complete":
        return body
    blocks = _blocks(body, _ROLES)
    return body if blocks is None else [_message(*block) for block in blocks]


_Block = tuple[str, dict[str, str], str]


def _blocks(text: str, tags: tuple[str, ...]) -> list[_Block] | None:
    """Their tags, attributes and contents; None where something else stands among them."""
    found = []
    lines = iter(text.split("\n"))
    for line in lines:
        opened = _OPEN.fullmatch(line)
        if opened is not None and opened[1] in tags:
            content = "" if opened[3] else _inside(opened[1], opened[4], lines)
            if content is None:
                return None
            found.append((opened[1], dict(_ATTRIBUTE.findall(opened[2])), content))
        elif line.strip():
            return None
    return found


def _inside(tag: str, first: str, lines: Iterator[str]) -> str | None:
    """What stands before the closing tag, less its indent; None where it is not closed."""
    end = f"</{tag}>"
    if first.strip():
        return first.rstrip().removesuffix(end) if first.rstrip().endswith(end) else None
    content: list[str] = []
    for line in lines:
        if line.rstrip() == end:
            return "\n".join(content)
        content.append(line.removeprefix(_INDENT))
    return None


def _message(role: str, names: dict[str, str], content: str) -> JSON:
    message: JSON = {"role": role}
    inner = _blocks(content, ("text", "image", "tool")) if role != "tool" else None
    if not inner:
        message["content"] = content
    else:
        message |= _structured(inner)
    if "name" in names:
        message["name"] = names["name"]
    if "id" in names:
        message["tool_call_id"] = names["id"]
    return message


def _structured(blocks: list[_Block]) -> JSON:
    """Parts and calls of tools; the text beside calls is one text."""
    calls = [_call(names, content) for tag, names, content in blocks if tag == "tool"]
    parts = [_part_of(tag, names, text) for tag, names, text in blocks if tag != "tool"]
    if not calls:
        return {"content": parts}
    told: JSON = {"tool_calls": calls}
    if len(parts) == 1 and parts[0]["type"] == "text":
        return told | {"content": parts[0]["text"]}
    return told | ({"content": parts} if parts else {})


def _call(names: dict[str, str], arguments: str) -> JSON:
    function = {"name": names.get("name", ""), "arguments": arguments}
    return {"id": names.get("id", ""), "type": "function", "function": function}


def _part_of(tag: str, names: dict[str, str], text: str) -> JSON:
    return (
        {"type": "text", "text": text}
        if tag == "text"
        else {"type": "image_url", "image_url": names}
    )


def _wrong(why: str) -> InvalidInput:
    return InvalidInput(f"This is no .prompt file: {why}.", field="prompt")
