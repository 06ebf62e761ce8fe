"""The real `openai` package calls blueprints like models."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.llm_server import Behaviour, failing, rate_limited
from tests.sdk.conftest import Library
from tests.stack import Stack
from tests.visitors import wait_for

ASK: Any = [{"role": "user", "content": "What do the lamps of the north burn?"}]
TOOL: Any = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}},
}


def connect(groundwork: Stack, token: str) -> Any:
    return openai.OpenAI(base_url=f"{groundwork.running.url}/v1", api_key=token, max_retries=0)


@pytest.fixture
def gpt(groundwork: Stack) -> Iterator[Any]:
    """The package, as alice. Her token addresses the use case that the stack made for her."""
    with connect(groundwork, groundwork.alice.token) as client:
        yield client


@pytest.fixture(scope="session")
def lamps(whole_stack: Stack, library: Library) -> str:
    """The path of a blueprint that reads the library."""
    llms = whole_stack.alice.get("genai/llms/")["data"]
    model = next(one["id"] for one in llms if one["id"].endswith("test-model"))
    whole_stack.alice.make(
        "genai/llmBlueprints/",
        playgroundId=whole_stack.playground,
        name="Lamps",
        llmId=model,
        vectorDatabaseId=library.vector_database,
        vectorDatabaseSettings={"maxDocumentsRetrievedPerPrompt": 2},
    )
    return "lamps"


def logs(groundwork: Stack, log_id: str) -> list[tuple[Any, ...]]:
    return groundwork.sql(
        "SELECT kind, status, face FROM tracing_log WHERE id = %s OR parent_id = %s"
        " ORDER BY started_at, kind",
        *[log_id.removeprefix("log_")] * 2,
    )


def test_an_answer_has_text_usage_and_a_log(gpt, groundwork):
    answer = gpt.chat.completions.create(model="plain", messages=ASK, user="u1")

    [choice] = answer.choices
    assert (choice.index, choice.finish_reason, choice.message.role) == (0, "stop", "assistant")
    assert choice.message.content == groundwork.llm.text
    assert answer.model == "plain"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    ours = answer.groundwork
    assert (ours["blueprint"], ours["version"], ours["citations"]) == ("plain", 1, [])
    assert logs(groundwork, ours["log_id"]) == [
        ("answer", "COMPLETED", "completions"),
        ("generate", "COMPLETED", "chat"),
    ]


def test_a_stream_says_the_same_in_pieces(gpt, llm):
    llm.always = Behaviour(text="One two three.", interval_ms=100)
    chunks = list(
        gpt.chat.completions.create(
            model="plain", messages=ASK, stream=True, stream_options={"include_usage": True}
        )
    )

    *pieces, end, usage = chunks
    assert len(pieces) > 1
    assert "".join(one.choices[0].delta.content for one in pieces) == "One two three."
    assert pieces[0].choices[0].delta.role == "assistant"
    assert {one.choices[0].finish_reason for one in pieces} == {None}
    assert end.choices[0].finish_reason == "stop"
    assert end.groundwork["log_id"].startswith("log_")
    assert usage.choices == []
    assert usage.usage.completion_tokens == 3


def test_async_clients_are_answered_too(groundwork):
    async def ask() -> list[str]:
        url = f"{groundwork.running.url}/v1"
        async with openai.AsyncOpenAI(base_url=url, api_key=groundwork.alice.token) as client:
            asked = [client.chat.completions.create(model="plain", messages=ASK) for _ in range(8)]
            return [str(one.choices[0].message.content) for one in await asyncio.gather(*asked)]

    assert asyncio.run(ask()) == [groundwork.llm.text] * 8


@pytest.mark.parametrize("is_stream", [False, True])
def test_what_was_retrieved_is_cited(gpt, groundwork, lamps, is_stream):
    told = gpt.chat.completions.create(model=lamps, messages=ASK, stream=is_stream)

    answer = list(told)[-1] if is_stream else told
    first, *_ = answer.groundwork["citations"]
    assert (first["number"], first["source"]) == (1, "north.txt")
    assert "rapeseed" in first["text"]
    sent = groundwork.llm.prompts[-1]["messages"]
    assert [one["role"] for one in sent] == ["system", "user"]
    assert "rapeseed" in sent[1]["content"]
    kinds = [kind for kind, *_ in logs(groundwork, answer.groundwork["log_id"])]
    assert sorted(kinds) == ["answer", "generate", "retrieve"]


def test_a_filter_says_what_may_be_read(gpt, lamps):
    answer = gpt.chat.completions.create(
        model=lamps, messages=ASK, extra_body={"metadata_filter": {"year": 1820}}
    )

    assert {one["source"] for one in answer.groundwork["citations"]} == {"south.txt"}


def test_messages_and_parameters_go_to_the_llm(gpt, llm):
    messages: Any = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": [{"type": "text", "text": "What now?"}]},
    ]
    gpt.chat.completions.create(
        model="plain", messages=messages, temperature=0.3, max_tokens=55, stop=["END"], seed=7
    )

    sent = llm.prompts[-1]
    assert sent["messages"][1:] == messages
    assert (sent["temperature"], sent["stop"], sent["seed"]) == (0.3, ["END"], 7)
    assert 55 in (sent.get("max_tokens"), sent.get("max_completion_tokens"))


def tool_stream(*deltas: dict[str, Any]) -> Behaviour:
    choices: list[Any] = [{"index": 0, "delta": one, "finish_reason": None} for one in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "tool_calls"})
    events = [json.dumps({"model": "m", "choices": [one]}) for one in choices]
    return Behaviour(chunks=(*(f"data: {one}\n\n".encode() for one in events), b"data: [DONE]\n\n"))


CALLS = (
    {"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "weather", "arguments": ""}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": '{"city":'}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": ' "Oslo"}'}}]},
)


def test_tools_are_offered_and_their_calls_passed_on(gpt, llm):
    llm.script(tool_stream(*CALLS))
    answer = gpt.chat.completions.create(
        model="plain", messages=ASK, tools=[TOOL], tool_choice="auto"
    )

    assert llm.prompts[-1]["tools"] == [TOOL]
    [choice] = answer.choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    [call] = choice.message.tool_calls
    assert (call.id, call.function.name) == ("c1", "weather")
    assert json.loads(call.function.arguments) == {"city": "Oslo"}

    messages: Any = [
        *ASK,
        choice.message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": "c1", "content": "Rain."},
    ]
    gpt.chat.completions.create(model="plain", messages=messages, tools=[TOOL])
    assert llm.prompts[-1]["messages"][-1] == messages[-1]


def test_calls_of_tools_are_streamed(gpt, llm):
    llm.script(tool_stream(*CALLS))
    chunks = gpt.chat.completions.create(model="plain", messages=ASK, tools=[TOOL], stream=True)

    deltas = [one.choices[0].delta for one in chunks]
    arguments = "".join(
        call.function.arguments or "" for delta in deltas for call in delta.tool_calls or []
    )
    assert arguments == '{"city": "Oslo"}'


@pytest.mark.parametrize("is_stream", [False, True])
def test_samples_are_independent(gpt, groundwork, is_stream):
    groundwork.llm.script(
        Behaviour(text="First."), Behaviour(text="Other."), Behaviour(text="Last.")
    )
    told = gpt.chat.completions.create(model="plain", messages=ASK, n=3, stream=is_stream)

    if is_stream:
        said: dict[int, str] = {}
        for chunk in told:
            for choice in chunk.choices:
                said[choice.index] = said.get(choice.index, "") + (choice.delta.content or "")
        texts = list(said.values())
    else:
        texts = [choice.message.content for choice in told.choices]
    assert sorted(texts) == ["First.", "Last.", "Other."]


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize(
    ("behaviour", "error", "status"),
    [
        (failing(400, "No such thing."), openai.BadRequestError, 400),
        (failing(401, "Bad key sk-1"), openai.BadRequestError, 400),
        (rate_limited("120"), openai.RateLimitError, 429),
    ],
)
def test_what_the_provider_refuses_is_refused_with_a_status(
    gpt, groundwork, behaviour, error, status, is_stream
):
    groundwork.llm.script(behaviour)
    with pytest.raises(error) as refused:
        list(gpt.chat.completions.create(model="plain", messages=ASK, stream=is_stream))

    assert refused.value.status_code == status
    assert "sk-1" not in str(refused.value)
    [row] = groundwork.sql(
        "SELECT status, error_message FROM tracing_log WHERE parent_id IS NULL"
        " ORDER BY created_at DESC LIMIT 1"
    )
    assert (row[0], row[1] in str(refused.value)) == ("ERROR", True)


def test_a_stream_that_breaks_says_so_and_keeps_what_came(gpt, groundwork):
    groundwork.llm.script(Behaviour(text="a b c d e f", break_after=3))
    stream = gpt.chat.completions.create(model="plain", messages=ASK, stream=True)
    said: list[str] = []
    with pytest.raises(openai.APIError, match="broke off"):
        said.extend(str(chunk.choices[0].delta.content) for chunk in stream)

    assert "".join(said) == "a b c"
    [row] = groundwork.sql(
        "SELECT status, text FROM tracing_log JOIN tracing_logpayload ON log_id = id"
        " WHERE parent_id IS NULL ORDER BY created_at DESC LIMIT 1"
    )
    assert row == ("ERROR", "a b c")


def test_who_leaves_ends_the_llms_work_and_the_log_has_what_came(gpt, groundwork):
    text = " ".join(f"word{number}" for number in range(500))
    groundwork.llm.script(Behaviour(text=text, interval_ms=20))
    stream = gpt.chat.completions.create(model="plain", messages=ASK, stream=True)
    chunk = next(iter(stream))
    stream.close()

    assert groundwork.llm.requests[-1].hung_up.wait(20)
    log_id = chunk.id.removeprefix("chatcmpl-")
    [row] = wait_for(
        lambda: groundwork.sql(
            "SELECT status, text FROM tracing_log JOIN tracing_logpayload ON log_id = id"
            " WHERE id = %s",
            log_id,
        ),
        "the log",
    )
    assert row[0] == "COMPLETED"
    assert text.startswith(row[1])
    assert row[1] != ""


def test_what_is_not_to_be_stored_is_written_nowhere(gpt, groundwork):
    secret = "The password is quartz-otter."
    groundwork.llm.script(Behaviour(text="I heard quartz-otter."))
    answer = gpt.chat.completions.create(
        model="plain", messages=[{"role": "user", "content": secret}], store=False
    )

    assert "quartz-otter" in answer.choices[0].message.content
    log_id = answer.groundwork["log_id"].removeprefix("log_")
    assert groundwork.sql("SELECT is_payload_kept FROM tracing_log WHERE id = %s", log_id) == [
        (False,)
    ]
    kept = "SELECT count(*) FROM tracing_logpayload p WHERE p::text LIKE '%%quartz-otter%%'"
    assert groundwork.sql(kept) == [(0,)]


@pytest.mark.parametrize(
    ("given", "status", "says"),
    [
        ({"model": "nowhere"}, 404, "no blueprint with the path nowhere"),
        ({"model": "plain@canary"}, 404, "no version canary"),
        ({"model": "plain@99"}, 404, "no version 99"),
        ({"messages": []}, 400, "messages"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, 400, "role"),
        ({"messages": [{"role": "user"}]}, 400, "needs content"),
        ({"messages": [{"role": "user", "content": 5}]}, 400, "A text, or a list"),
        ({"n": 0}, 400, "n"),
        ({"n": 99}, 400, "n"),
        ({"temperature": 9}, 400, "temperature"),
        ({"extra_body": {"metadata_filter": {"a": 1}}}, 400, "no vector database"),
    ],
)
def test_what_is_wrong_is_named(gpt, given, status, says):
    with pytest.raises(openai.APIStatusError, match=says) as refused:
        gpt.chat.completions.create(**{"model": "plain", "messages": ASK, **given})

    assert refused.value.status_code == status
    assert says in str(refused.value.body)


def test_braces_in_prompts_of_the_pages_are_only_braces(gpt, groundwork):
    groundwork.alice.make(
        "genai/llmBlueprints/",
        playgroundId=groundwork.playground,
        name="Braces",
        llmId=next(
            one["id"]
            for one in groundwork.alice.get("genai/llms/")["data"]
            if one["id"].endswith("test-model")
        ),
        llmSettings={"systemPrompt": "Write Jinja such as {{ user.name }}."},
    )
    gpt.chat.completions.create(model="braces", messages=ASK)

    sent = groundwork.llm.prompts[-1]["messages"]
    assert sent[0]["content"] == "Write Jinja such as {{ user.name }}."


def test_messages_as_the_package_writes_them_are_read(gpt, llm):
    said = {"role": "assistant", "content": None, "refusal": "No.", "tool_calls": None}
    gpt.chat.completions.create(model="plain", messages=[*ASK, said, *ASK])

    assert llm.prompts[-1]["messages"][2] == {"role": "assistant", "content": "No."}


def test_a_version_or_an_environment_is_named_behind_an_at(gpt, groundwork):
    for name in ("plain@1", "plain@v1", "plain@production"):
        answer = gpt.chat.completions.create(model=name, messages=ASK)
        assert (answer.model, answer.groundwork["version"]) == (name, 1)


def test_keys_and_roles_are_checked(groundwork):
    with connect(groundwork, "gw_wrong") as nobody, pytest.raises(openai.AuthenticationError):
        nobody.chat.completions.create(model="plain", messages=ASK)
    with connect(groundwork, groundwork.vera.token) as viewer:
        assert "plain" in {one.id for one in viewer.models.list()}
        with pytest.raises(openai.PermissionDeniedError, match="ask an owner"):
            viewer.chat.completions.create(model="plain", messages=ASK)
    with connect(groundwork, groundwork.bob.token) as bob, pytest.raises(openai.NotFoundError):
        bob.chat.completions.create(model="plain", messages=ASK)


def test_models_are_blueprints_and_embedders(gpt):
    owners = {one.id: one.owned_by for one in gpt.models.list()}

    assert owners["plain"] == "groundwork"
    assert "sentence-transformers/all-MiniLM-L6-v2" in owners
    assert gpt.models.retrieve("plain@1").id == "plain@1"
    with pytest.raises(openai.NotFoundError):
        gpt.models.retrieve("nowhere")


def test_embeddings_are_those_of_the_databases(gpt):
    model = "sentence-transformers/all-MiniLM-L6-v2"
    packed = gpt.embeddings.create(model=model, input=["north lamps", "wages"])
    plain = gpt.embeddings.create(model=model, input="north lamps", encoding_format="float")

    assert [one.index for one in packed.data] == [0, 1]
    assert len(plain.data[0].embedding) == 384
    assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=2e-3)
    assert plain.usage.prompt_tokens == 2
    with pytest.raises(openai.BadRequestError, match="384 dimensions"):
        gpt.embeddings.create(model=model, input="x", dimensions=100)
    with pytest.raises(openai.BadRequestError, match="Send a text"):
        gpt.embeddings.create(model=model, input=[1, 2, 3])
    with pytest.raises(openai.BadRequestError, match="no embedding model"):
        gpt.embeddings.create(model="ada", input="x")
