"""Whom the support of answers is told. That there is any says that an answer read passages: where it is
compared blindly, that would say whose it is."""

from collections.abc import Iterable, Mapping, Sequence

from config.notify import publish
from playground.compare.news import tell
from playground.models import ChatPrompt, ComparisonChat, ComparisonPrompt


def lock_blind(prompt_ids: Sequence[str]) -> dict[str, str]:
    """By those of the answers that are compared blindly, their questions. Until the caller's transaction
    ends nobody votes on them: a later vote finds what is kept, and who voted before is told of it.

    To be called before the answers are changed: all who lock both do it in this order.
    """
    asked = ComparisonPrompt.objects.filter(results__in=prompt_ids)
    blind = ComparisonChat.objects.select_for_update(no_key=True).filter(is_blind=True)
    comparisons = [one.pk for one in blind.filter(pk__in=asked.values("chat")).order_by("pk")]
    if not comparisons:
        return {}
    answers = ChatPrompt.objects.filter(pk__in=prompt_ids, comparison_prompt__chat__in=comparisons)
    return dict(answers.values_list("pk", "comparison_prompt"))


def tell_of_support(answers: Iterable[tuple[str, str]], blind: Mapping[str, str]) -> None:
    """Each answer comes with its chat. Of what is compared blindly, only that something of the question
    changed, and only once somebody has voted on it."""
    questions = set()
    for prompt_id, chat_id in answers:
        if prompt_id in blind:
            questions.add(blind[prompt_id])
        else:
            publish(topic=f"chat:{chat_id}", event="supported", data={"prompt": prompt_id})
    if questions:
        voted = ComparisonPrompt.objects.filter(pk__in=questions, preferences__isnull=False)
        for question in voted.distinct():
            tell(question.chat_id, question.pk)
