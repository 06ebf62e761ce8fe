"""`.prompt` files: kernels as texts, and back."""

from typing import Any

import pytest

from blueprints.kernel import filled
from blueprints.prompt_files import read_prompt_file, write_prompt_file
from config.errors import InvalidInput

USER: dict[str, Any] = {"role": "user", "content": "In {{city}}?"}
CALL: dict[str, Any] = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "add", "arguments": '{"a": 1}'},
}
PICTURE = {"type": "image_url", "image_url": {"url": "https://x.example/a.png", "detail": "low"}}


def test_it_reads_as_people_write_it():
    text = write_prompt_file(
        filled(
            {
                "model": "gpt-x",
                "template": [
                    {"role": "system", "content": "Be kind.\n\nAnd short."},
                    {"role": "user", "content": [{"type": "text", "text": "Look:"}, PICTURE]},
                    {"role": "assistant", "content": "Well.", "tool_calls": [CALL]},
                    {"role": "tool", "content": "1", "name": "add", "tool_call_id": "call_1"},
                ],
            }
        )
    )

    header, body = text.removeprefix("---\n").split("---\n")
    assert "model: gpt-x\n" in header
    assert "temperature: 1.0\n" in header
    assert (
        body
        == """
<system>
  Be kind.

  And short.
</system>

<user>
  <text>
    Look:
  </text>
  <image url="https://x.example/a.png" detail="low"/>
</user>

<assistant>
  <text>
    Well.
  </text>
  <tool name="add" id="call_1">
    {"a": 1}
  </tool>
</assistant>

<tool name="add" id="call_1">
  1
</tool>
"""
    )


@pytest.mark.parametrize(
    "template",
    [
        None,
        "Once {{upon}} a time",
        "<user>\n  no message\n</user>",
        "\n\n  ",
        [USER],
        [USER | {"name": "bob"}],
        [USER | {"name": 'b"ob'}],
        [USER | {"content": ""}],
        [USER | {"content": "a\n</user>\n  b\n\n"}],
        [USER | {"content": "  two\n    four\n \n\ttab\r\nend "}],
        [USER | {"content": "<text>\n  no part\n</text>"}],
        [USER | {"content": "<b>bold</b>"}],
        [USER | {"content": []}],
        [USER | {"content": [PICTURE]}],
        [USER | {"content": [{"type": "text", "text": ""}, PICTURE]}],
        [USER | {"content": [{"type": "image_url", "image_url": {"url": 'x"y>'}}]}],
        [{"role": "assistant"}],
        [{"role": "assistant", "tool_calls": [CALL, CALL | {"id": "2"}]}],
        [{"role": "assistant", "content": "x", "tool_calls": [CALL]}],
        [{"role": "assistant", "content": [PICTURE], "tool_calls": [CALL]}],
        [{"role": "assistant", "content": "x", "thinking": [{"type": "thinking"}]}],
        [{"role": "tool", "content": "<text>\n  x\n</text>", "tool_call_id": "1"}],
        [{"role": "developer", "content": "x"}, USER],
    ],
)
@pytest.mark.parametrize("endpoint", ["chat", "complete"])
def test_a_round_trip_keeps_the_kernel(endpoint, template):
    kernel = filled(
        {
            "model": "x: y # z",
            "endpoint": endpoint,
            "template": template,
            "stop": ["---", "\n", "yes", "2020-01-01", "\u2028", "é"],
            "temperature": 1e-7,
            "other": {"nested": [{"a": None, "b": 10**20}]},
            "tools": [{"name": "t", "description": "d", "parameters": {"type": "object"}}],
            "seed": 0,
        }
    )

    assert filled(read_prompt_file(write_prompt_file(kernel))) == kernel


def test_what_people_write_is_read():
    text = (
        "---\r\nmodel: gpt-x\r\nmax_tokens: -1\r\nattributes: {since: 2020-01-01}\r\n"
        'tools: [\r\n  {"name": "add"}\r\n]\r\n---\r\n'
        "<system>Be kind.</system>\r\n\r\n<user>\r\nNot indented\r\n</user>"
    )

    assert read_prompt_file(text) == {
        "model": "gpt-x",
        "max_tokens": -1,
        "attributes": {"since": "2020-01-01"},
        "tools": [{"name": "add"}],
        "template": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Not indented"},
        ],
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "model: x",
        "---\nmodel: x\n",
        "---\n- x\n---\n",
        "---\n1: x\n---\n",
        "---\nmodel: [\n---\n",
        "---\na: &a [x]\nb: *a\n---\n",
        "---\na: !!python/object/apply:os.system [ls]\n---\n",
        f"---\na: {'[' * 5000}\n---\n",
        f"---\na: {'x' * 200_001}\n---\n",
    ],
)
def test_what_is_no_prompt_file_is_refused(text):
    with pytest.raises(InvalidInput) as refused:
        read_prompt_file(text)
    assert refused.value.field == "prompt"
