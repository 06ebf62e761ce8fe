"""The real `humanloop` package, as each of the stack's people."""

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from humanloop import AsyncHumanloop, Humanloop
from openai.resources.chat.completions import AsyncCompletions, Completions
from openai.resources.completions import AsyncCompletions as AsyncTextCompletions
from openai.resources.completions import Completions as TextCompletions
from openai.resources.embeddings import AsyncEmbeddings, Embeddings
from opentelemetry.instrumentation.openai import OpenAIInstrumentor

from tests.stack import Stack
from tests.visitors import Person

_WATCHED = (
    *(Completions, AsyncCompletions, TextCompletions, AsyncTextCompletions),
    *(Embeddings, AsyncEmbeddings),
)
_CALL = "create"


@contextmanager
def humanloop_of(groundwork: Stack, person: Person) -> Iterator[Any]:
    with httpx.Client(timeout=60) as http:
        yield Humanloop(
            base_url=f"{groundwork.running.url}/v5", api_key=person.token, httpx_client=http
        )
    _let_go()


def _let_go() -> None:
    """Of what the openai package does, which humanloop's watches in this process for good; the way that
    its instrumentation has to end that finds none of these methods."""
    OpenAIInstrumentor().uninstrument()
    for owner in _WATCHED:
        method = vars(owner)[_CALL]
        while is_watched(method):
            method = method.__wrapped__
        setattr(owner, _CALL, method)


def is_watched(method: Any) -> bool:
    return hasattr(method, "_self_wrapper")


@pytest.fixture
def loop(groundwork: Stack) -> Iterator[Any]:
    """The package, as alice; her token addresses the use case that the stack made for her."""
    with humanloop_of(groundwork, groundwork.alice) as client:
        yield client


@pytest.fixture
async def async_loop(groundwork: Stack) -> AsyncIterator[Any]:
    url, token = f"{groundwork.running.url}/v5", groundwork.alice.token
    async with httpx.AsyncClient(timeout=60) as http:
        yield AsyncHumanloop(base_url=url, api_key=token, httpx_client=http)
    _let_go()


@pytest.fixture
def folder() -> str:
    """A path of the test's own: all of them share one Groundwork."""
    return f"sdk/{uuid.uuid4().hex[:12]}"
