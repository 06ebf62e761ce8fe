"""How versions differ, and in which words it is told."""

import time

import pytest

from blueprints import services
from blueprints.files import get_or_make
from blueprints.llm_settings import LLMSettings
from blueprints.models import BlueprintVersion
from blueprints.prompt_details import PromptDetails
from blueprints.settings import AnswerSettings
from playground.prompt_pages.contents import contents_of
from playground.prompt_pages.diffs import diff_of, words_diff
from vectordb.retrieval_settings import RetrievalSettings, SearchMode


def told(old: str, new: str) -> str:
    """`[-what goes-]` and `{+what comes+}`."""
    marks = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
    return "".join(marks[piece.change].format(piece.text) for piece in words_diff(old, new))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("Be brief.", "Be exact.", "Be [-brief-]{+exact+}."),
        ("a\nb\nc\n", "a\nc\n", "a\n[-b\n-]c\n"),
        ("", "New", "{+New+}"),
        ("Old", "", "[-Old-]"),
        ("same", "same", "same"),
        ("Ask {{name}}.", "Ask {{person}}.", "Ask [-{{name}}-]{+{{person}}+}."),
        ("Ask {{a}}", "Ask {{a}}\nNow.", "Ask {{a}}{+\nNow.+}"),
        ("naïve", "naive", "[-naïve-]{+naive+}"),
    ],
)
def test_texts_differ_by_words(old, new, expected):
    assert told(old, new) == expected


def test_whatever_differs_both_texts_can_be_read_from_it():
    old = "".join(f"Line {n} of the old text, and {n % 7} more.\n" for n in range(300))
    new = old.replace("more", "less").replace("Line 7 ", "") + "The end."

    pieces = words_diff(old, new)

    assert "".join(one.text for one in pieces if one.change != "added") == old
    assert "".join(one.text for one in pieces if one.change != "removed") == new


@pytest.mark.parametrize("text", ["a b " * 100_000, "x\n" * 100_000, "\n" * 999, "b " * 1_999])
def test_long_and_monotonous_texts_are_compared_in_time(text):
    begun = time.monotonic()

    pieces = words_diff(text, text[2:] + "c")

    assert time.monotonic() - begun < 5
    assert pieces[-1].text.endswith("c")


@pytest.fixture
def version(db, alice, use_case, llm):
    blueprint = services.create_blueprint(
        user=alice, use_case=use_case, name="Bot", settings=AnswerSettings(llm_id=llm.pk)
    )

    def make(**settings):
        return services.save_version(
            blueprint, user=alice, settings=AnswerSettings(llm_id=llm.pk, **settings)
        )

    return make


def test_only_what_changed_of_settings_and_retrieval_is_told(version):
    old = version(llm_settings=LLMSettings(temperature=0.2, top_p=0.5))
    new = version(
        llm_settings=LLMSettings(temperature=1, top_p=0.5),
        retrieval_settings=RetrievalSettings(search_mode=SearchMode.KEYWORD, max_tokens=99),
        prompt=PromptDetails(stop=["END"]),
    )

    diff = diff_of(old, new)

    assert [(row.name, row.old, row.new) for row in diff.settings] == [
        ("Temperature", "0.2", "1"),
        ("Stop", "default", '["END"]'),
    ]
    assert [(row.name, row.old, row.new) for row in diff.retrieval] == [
        ("Search", "By meaning and by words", "By words"),
        ("Token cap", "default", "99"),
    ]
    assert not diff.is_empty


def test_a_version_does_not_differ_from_itself(version):
    same = version(llm_settings=LLMSettings(system_prompt="Hello."))

    diff = diff_of(same, same)

    assert diff.is_empty
    assert [text.change for text in diff.texts] == ["same"]


def test_messages_are_told_as_changed_come_and_gone(version):
    def with_template(system, *messages):
        template = [{"role": role, "content": text} for role, text in messages]
        return version(
            llm_settings=LLMSettings(system_prompt=system),
            prompt=PromptDetails(template=template),
        )

    old = with_template("Be brief.", ("user", "Hi"), ("assistant", "Hello"), ("user", "Who?"))
    new = with_template("Be exact.", ("user", "Hi"), ("user", "Who?"), ("assistant", "I."))

    told = [(text.title, text.change) for text in diff_of(old, new).texts]

    assert told == [
        ("system", "changed"),
        ("user", "same"),
        ("assistant", "removed"),
        ("user", "same"),
        ("assistant", "added"),
    ]


def test_tools_are_compared_as_a_text(version):
    def tool(description):
        told = {"name": "weather", "description": description, "parameters": {}, "strict": False}
        return version(prompt=PromptDetails(tools=[told]))

    diff = diff_of(tool("Tells it."), tool("Tells everything."))

    tools = diff.texts[-1]
    assert (tools.title, tools.change) == ("tools", "changed")
    assert [one.text.strip() for one in tools.pieces if one.change == "added"] == ["everything"]


def test_the_built_in_system_prompt_is_shown_as_what_it_is(version):
    [message] = contents_of(version(llm_settings=LLMSettings(temperature=1))).messages

    assert message.role == "system · built in"
    assert "You answer questions" in message.text


def test_what_programs_write_is_shown_whole(db, alice, use_case):
    parts = [
        {"type": "text", "text": "See {{what}}"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]
    call = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    made = get_or_make(
        user=alice,
        use_case=use_case,
        kind="prompt",
        path="a/b",
        file_id=None,
        details={
            "model": "unknown",
            "provider": "mock",
            "template": [
                {"role": "user", "content": parts},
                {"role": "assistant", "tool_calls": [call]},
            ],
        },
    )

    assert isinstance(made, BlueprintVersion)
    contents = contents_of(made)

    user, assistant = contents.messages
    assert "https://example.com/a.png" in user.text
    assert '"name": "weather"' in assistant.text
    assert contents.settings["LLM"] == "unknown (mock)"


def test_a_vector_database_that_was_deleted_is_still_named(version):
    made = version(llm_settings=LLMSettings(temperature=0.5))
    made.saved_vector_database_id = "a" * 24

    assert contents_of(made).retrieval["Vector database"] == f"{'a' * 24} (deleted)"
