"""The table of LLM clients. A new provider is one module and one line here."""

from functools import cache
from typing import cast

from django.utils.module_loading import import_string

from blueprints.models import LLM, Provider
from blueprints.providers.base import Client

# By path, so that a process loads only the packages of the clients that it uses.
CLIENTS = {
    Provider.EXTRACTIVE: "blueprints.providers.extractive.client_for",
    Provider.MOCK: "blueprints.providers.mock.client_for",
    Provider.OPENAI: "blueprints.providers.openai.client_for",
}


def client_for(llm: LLM) -> Client:
    """The client that asks this LLM. Within an event loop, load `llm.endpoint` beforehand
    (`select_related("endpoint")`)."""
    return cast("Client", _factory(llm.provider)(llm))


@cache
def _factory(provider: str):  # type: ignore[no-untyped-def] # what import_string gives is untyped
    return import_string(CLIENTS[Provider(provider)])
