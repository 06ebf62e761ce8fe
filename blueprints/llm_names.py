"""LLMs by the names that programs give them."""

from urllib.parse import urlsplit

from django.db.models import Q

from blueprints.models import LLM, EndpointSource
from config.compiled import Compiled, given

# The provider of what names none: all servers here speak OpenAI's language.
DEFAULT_PROVIDER = "openai"
# Nobody's LLM: answers by itself, for tests.
MOCK = "mock"
_BUILT_IN = "groundwork"
_PROVIDERS = {
    "openai.com": "openai",
    "anthropic.com": "anthropic",
    "cohere.com": "cohere",
    "deepseek.com": "deepseek",
    "googleapis.com": "google",
    "groq.com": "groq",
    "azure.com": "openai_azure",
    "replicate.com": "replicate",
}

_CALLED = Compiled(
    lambda: LLM.objects.select_related("endpoint").filter(
        Q(pk=given("model")) | Q(model_name=given("model"))
    )
)


def find_llm(model: str, provider: str) -> LLM | None:
    """The LLM with this id, else one whose server calls it so: rather one that can be used, then one
    of this provider. None where there is none, as of "mock"."""
    if provider == MOCK:
        return None

    def rank(llm: LLM) -> tuple[bool, bool, bool, str]:
        is_other = provider_of(llm) != provider
        return llm.pk != model, not llm.is_usable, is_other, llm.pk

    return min(_CALLED.all(model=model), key=rank, default=None)


def provider_of(llm: LLM | None) -> str:
    """The prompt API's word for who runs it."""
    if llm is None:
        return DEFAULT_PROVIDER
    if llm.endpoint is None:
        return _BUILT_IN
    host = urlsplit(llm.endpoint.base_url).hostname or ""
    domain = ".".join(host.split(".")[-2:])
    return _PROVIDERS.get(domain, DEFAULT_PROVIDER)


def key_name(llm: LLM) -> str:
    """Whose key its server may be given; "" where nobody can tell, since a key for one company is not
    for any other server."""
    endpoint = llm.endpoint
    if endpoint is None:
        return ""
    if endpoint.source == EndpointSource.ENVIRONMENT:
        return DEFAULT_PROVIDER  # where OPENAI_API_KEY goes
    host = urlsplit(endpoint.base_url).hostname or ""
    return _PROVIDERS.get(".".join(host.split(".")[-2:]), "")
