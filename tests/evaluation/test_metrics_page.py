"""What the chat page shows of scores, metrics and guards."""

import pytest
from django.urls import reverse

from config.status import Status
from playground import services
from playground.models import ChatPrompt


@pytest.fixture
def shown(alice, client, chat):
    """The HTML of an answer that has these fields."""

    def show(**fields) -> str:
        prompt = services.ask(user=alice, chat=chat, text="Which oil?")
        ChatPrompt.objects.filter(pk=prompt.pk).update(
            status=Status.COMPLETED, result_text="Rapeseed.", **fields
        )
        client.force_login(alice)
        url = reverse("playground:prompt-detail", args=[prompt.pk])
        response = client.get(url, headers={"hx-request": "true"})
        return " ".join(response.content.decode().split())

    return show


def test_scores_and_metrics_stand_under_the_answer(shown):
    html = shown(
        confidence_scores={"rouge": 0.314, "meteor": 0.22, "bleu": 0.05},
        metrics=[
            {"name": "tone", "formatted_value": "warm <3", "reason": "Kind words."},
            {
                "name": "faithfulness",
                "formatted_name": "Faithfulness",
                "execution_status": "ERROR",
                "error_message": "No judge.",
            },
            {"name": "rouge_1", "execution_status": "SKIPPED", "error_message": "No sources."},
        ],
    )

    assert "METEOR 0.22, BLEU 0.05" in html
    assert "ROUGE-1 0.31" in html
    assert '<span title="Kind words.">tone warm &lt;3</span>' in html
    assert '<span class="warn" title="No judge.">Faithfulness failed</span>' in html
    assert '<span title="No sources.">rouge_1 none</span>' in html


def test_a_withheld_answer_is_marked(shown):
    assert "withheld by a guard" in shown(blocked_text="Not with personal data.")
    assert "withheld" not in shown()
