"""Questions without a conversation, as evaluations ask them: each in a context of its own."""

from django.db import transaction

from accounts.models import User
from accounts.services import require_editor
from blueprints.models import Blueprint, BlueprintVersion
from blueprints.settings import AnswerSettings
from config.errors import InvalidInput
from config.ids import new_id
from config.notify import publish
from playground import tasks
from playground.asking import check_can_answer
from playground.models import Chat, ChatPrompt, Playground


@transaction.atomic
def create_frozen_chat(
    *, user: User, playground: Playground, blueprint: Blueprint, name: str
) -> Chat:
    """A chat in which only `ask_independently` asks. Raises InvalidInput when the blueprint could
    not answer now."""
    require_editor(playground.use_case, user)
    if not playground.places.filter(blueprint=blueprint).exists():
        raise InvalidInput("The blueprint is not in this playground.", field="blueprint")
    chat = Chat.objects.create(
        playground=playground, blueprint=blueprint, name=name, is_frozen=True, created_by=user
    )
    check_can_answer(AnswerSettings.of_version(blueprint.current), chat, user)
    return chat


@transaction.atomic
def ask_independently(
    *, user: User, chat: Chat, version: BlueprintVersion, text: str
) -> ChatPrompt:
    """Put a question, also in a frozen chat, to be answered with the settings of `version`.

    It neither sees nor becomes history, waits for no other question of its chat, and lets
    questions of people go first. Rights and text are the caller's to check.
    """
    settings = AnswerSettings.of_version(version)
    prompt = ChatPrompt.objects.create(
        chat=chat,
        text=text,
        context_id=new_id(),
        prompt_type=settings.prompt_type,
        blueprint_version=version,
        llm_id=settings.llm_id or "",
        llm_settings=settings.llm_settings.to_json(),
        prompt_details=settings.prompt.to_json(),
        vector_database_id=settings.vector_database_id,
        retrieval_settings=settings.retrieval_settings.to_json(),
        created_by=user,
    )
    tasks.enqueue_independent_answer(prompt_id=prompt.pk)
    publish(
        topic=f"chat:{prompt.chat_id}",
        event="asked",
        data={"chat": prompt.chat_id, "prompt": prompt.pk},
    )
    return prompt
