"""What the addresses of chat pages name, as far as the reader may see it, and where prompts stand."""

from django.shortcuts import get_object_or_404
from django.urls import reverse

from accounts.pages import PageRequest
from blueprints.models import Blueprint
from playground.models import Chat, ChatPrompt, Playground


def at(prompt: ChatPrompt) -> str:
    """The page of its chat that holds the prompt, and of several versions of an answer this one."""
    chat = reverse("playground:chat-detail", args=[prompt.chat_id])
    return f"{chat}?shown={prompt.pk}#prompt-{prompt.pk}"


def at_end(prompt: ChatPrompt) -> str:
    """Likewise for one that was put just now, where a reload shows what came after it."""
    return f"{reverse('playground:chat-detail', args=[prompt.chat_id])}#prompt-{prompt.pk}"


def playground_for(request: PageRequest, pk: str) -> Playground:
    playgrounds = Playground.objects.visible_to(request.user).select_related("use_case")
    return get_object_or_404(playgrounds, pk=pk)


def blueprint_in(playground: Playground, pk: str | None) -> Blueprint | None:
    blueprints = Blueprint.objects.with_settings().filter(playgrounds=playground)
    if pk is not None:
        return get_object_or_404(blueprints, pk=pk)
    place = playground.places.first()
    return blueprints.get(pk=place.blueprint_id) if place else None


def chat_for(request: PageRequest, pk: str) -> Chat:
    chats = Chat.objects.visible_to(request.user).select_related(
        "playground__use_case", "blueprint__version"
    )
    return get_object_or_404(chats, pk=pk)


def prompt_for(request: PageRequest, pk: str) -> ChatPrompt:
    prompts = ChatPrompt.objects.visible_to(request.user).select_related(
        "chat__playground__use_case", "chat__blueprint__version"
    )
    return get_object_or_404(prompts, pk=pk)
