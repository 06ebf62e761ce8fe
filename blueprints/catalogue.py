"""Which LLMs there are: the built-in one, the environment's, and those of servers found here."""

import asyncio
import hashlib
import logging
import re
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils.text import slugify

from blueprints.costs import context_window
from blueprints.keys import environment_url, key_of
from blueprints.models import LLM, EndpointSource, LLMEndpoint, Provider
from blueprints.providers.base import ProviderError
from blueprints.providers.model_list import ListedModel, list_models, ollama_context

EXTRACTIVE_ID = "extractive"
LONGEST_ID = 150
LIST_SECONDS = 10.0
# Where nothing listens the refusal comes at once; a server that is busy gets its time.
PROBE_SECONDS = 3.0
OPENAI_URL = "https://api.openai.com/v1"
# Listed for a key of OpenAI's whose models cannot be listed (no network yet, a restricted key).
FALLBACK_MODEL = "gpt-4o-mini"
# OpenAI lists its hearing, drawing and speaking models as well, and some that cannot chat.
_OPENAI_CHAT = re.compile(r"(gpt-|o\d|chatgpt-)")
_OPENAI_OTHER = re.compile(
    r"audio|realtime|transcribe|tts|image|search|instruct|codex|deep-research|-pro\b"
)
_SNAPSHOT = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{4})$")
_SERVER_NAMES = {"ollama": "Ollama", "lm-studio": "LM Studio", "vllm": "vLLM"}

logger = logging.getLogger(__name__)


def built_in_llm() -> LLM:
    """The LLM that works without any server. Made where it is missing."""
    llm, _ = LLM.objects.get_or_create(
        pk=EXTRACTIVE_ID,
        defaults={
            "label": "Extractive (built in)",
            "description": "Quotes the sentences of the retrieved passages that fit the question "
            "best. Needs no key and no network, and writes no text of its own.",
            "provider": Provider.EXTRACTIVE,
            "vendor": "Groundwork",
        },
    )
    return llm


def refresh_catalogue() -> None:
    """Bring the list of LLMs up to date. Blocks for at most some seconds; run it at start.

    What cannot be reached now keeps its rows, marked so that nobody can choose it.
    """
    built_in_llm()
    _refresh_environment()
    _refresh_local_servers()


def sync_models(endpoint: LLMEndpoint) -> int:
    """List the endpoint's models as LLMs; those that it no longer has cannot be chosen any more.

    Returns how many it has. Raises ProviderError when the list cannot be had; nothing changes then.
    """
    models = asyncio.run(fetch_models(endpoint, seconds=LIST_SECONDS))
    store_models(endpoint, models)
    return len(models)


async def fetch_models(endpoint: LLMEndpoint, *, seconds: float) -> list[ListedModel]:
    """The endpoint's chat models. Raises ProviderError."""
    models = await list_models(endpoint.base_url, key_of(endpoint), seconds=seconds)
    return openai_chat_models(models) if is_openai(endpoint.base_url) else models


@transaction.atomic
def store_models(endpoint: LLMEndpoint, models: list[ListedModel]) -> None:
    """Make the endpoint's rows those of `models`. Rows stay, with what staff set on them."""
    known = {llm.model_name: llm for llm in endpoint.llms.select_for_update()}
    for model in models:
        llm = known.pop(model.name, None) or new_llm(endpoint, model.name)
        llm.is_listed = True
        llm.vendor = llm.vendor or model.owner or endpoint.name
        size = model.context_size or context_window(endpoint.base_url, model.name)
        llm.context_size = size or llm.context_size
        llm.save()
    endpoint.llms.filter(pk__in=[llm.pk for llm in known.values()]).update(is_listed=False)


def new_llm(endpoint: LLMEndpoint, model_name: str) -> LLM:
    """An unsaved row with a free id: stable, since it stays when the endpoint is renamed."""
    wanted = model_name
    if endpoint.source != EndpointSource.ENVIRONMENT or wanted == EXTRACTIVE_ID:
        wanted = f"{slugify(endpoint.name) or 'endpoint'}/{model_name}"
    return LLM(
        pk=_free_id(wanted),
        label=model_name[:LONGEST_ID],
        provider=Provider.OPENAI,
        endpoint=endpoint,
        model_name=model_name,
    )


def is_openai(base_url: str) -> bool:
    return urlsplit(base_url).hostname == "api.openai.com"


def openai_chat_models(models: list[ListedModel]) -> list[ListedModel]:
    """Those of OpenAI's models that chat; dated snapshots only where no plain name stands for
    them."""
    names = {model.name for model in models}
    return [
        model
        for model in models
        if _OPENAI_CHAT.match(model.name)
        and not _OPENAI_OTHER.search(model.name)
        and (_SNAPSHOT.sub("", model.name) not in names - {model.name})
    ]


def _refresh_environment() -> None:
    rows = LLMEndpoint.objects.filter(source=EndpointSource.ENVIRONMENT)
    url = environment_url()
    if not settings.OPENAI_API_KEY and is_openai(url):
        rows.update(is_found=False)
        return
    endpoint = rows.first()
    if endpoint is None:
        name = "OpenAI" if is_openai(url) else f"Environment ({urlsplit(url).hostname})"
        endpoint = LLMEndpoint(name=_free_name(name), source=EndpointSource.ENVIRONMENT)
    endpoint.base_url = url
    endpoint.is_found = True
    endpoint.save()
    try:
        sync_models(endpoint)
    except ProviderError as error:
        logger.warning("The models of %s cannot be listed: %s", endpoint.name, error.message)
        if is_openai(url) and not endpoint.llms.exists():
            store_models(endpoint, [ListedModel(FALLBACK_MODEL, "OpenAI")])


def _refresh_local_servers() -> None:
    servers = dict(_local_servers())
    found = asyncio.run(_probe(list(servers)))
    rows = {
        endpoint.base_url: endpoint
        for endpoint in LLMEndpoint.objects.filter(source=EndpointSource.DISCOVERED)
    }
    for url, endpoint in rows.items():
        if url not in found and endpoint.is_found:
            endpoint.is_found = False
            endpoint.save(update_fields=["is_found", "updated_at"])
    added = LLMEndpoint.objects.exclude(source=EndpointSource.DISCOVERED)
    for url, models in found.items():
        if added.filter(base_url=url).exists():
            continue
        endpoint = rows.get(url) or LLMEndpoint(
            name=_free_name(servers[url]), base_url=url, source=EndpointSource.DISCOVERED
        )
        endpoint.is_found = True
        endpoint.save()
        store_models(endpoint, models)


def _local_servers() -> list[tuple[str, str]]:
    """The addresses to look at and what to call a server there; never our own."""
    servers = []
    for entry in settings.LOCAL_LLM_SERVERS:
        kind, _, url = entry.partition("=")
        url = url.strip().rstrip("/")
        parts = urlsplit(url)
        is_here = parts.hostname in ("127.0.0.1", "localhost", "::1")
        if parts.scheme in ("http", "https") and not (is_here and parts.port == settings.PORT):
            servers.append((url, _SERVER_NAMES.get(kind.strip(), kind.strip())))
    return servers


async def _probe(urls: list[str]) -> dict[str, list[ListedModel]]:
    """The chat models of those servers that answer."""
    answers = await asyncio.gather(*(_look(url) for url in urls))
    return {url: models for url, models in zip(urls, answers, strict=True) if models is not None}


async def _look(url: str) -> list[ListedModel] | None:
    try:
        models = await list_models(url, "", seconds=PROBE_SECONDS)
    except ProviderError:
        return None
    if any(model.owner == "groundwork" for model in models):
        return None
    return await asyncio.gather(*(_with_context(url, model) for model in models))


async def _with_context(url: str, model: ListedModel) -> ListedModel:
    if model.context_size is not None:
        return model
    size = await ollama_context(url, model.name, seconds=PROBE_SECONDS)
    return ListedModel(model.name, model.owner, size)


def _free_name(name: str) -> str:
    taken = set(LLMEndpoint.objects.values_list("name", flat=True))
    names = (name, *(f"{name} {n}" for n in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def _free_id(wanted: str) -> str:
    if len(wanted) > LONGEST_ID:
        digest = hashlib.sha256(wanted.encode()).hexdigest()[:12]
        wanted = f"{wanted[: LONGEST_ID - 20]}-{digest}"
    taken = set(LLM.objects.filter(pk__startswith=wanted).values_list("pk", flat=True))
    ids = (wanted, *(f"{wanted}-{n}" for n in range(2, len(taken) + 3)))
    return next(pk for pk in ids if pk not in taken)
