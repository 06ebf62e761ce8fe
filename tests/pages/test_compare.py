"""The page of a comparison as each reader gets it."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from blueprints.models import LLM, Blueprint
from blueprints.settings import SettingsChanges
from config.status import Status
from playground import comparisons, services
from playground.compare import board
from playground.compare import page as page_module
from playground.models import (
    ChatPrompt,
    ComparisonChat,
    ComparisonPrompt,
    Feedback,
    Playground,
    Preference,
)
from playground.support.scores import Support
from tests.pages.compared import CITATION, answer, compared_by
from tests.pages.conftest import HTMX
from vectordb.models import VectorDatabase


@pytest.fixture
def playground(alice, use_case) -> Playground:
    return services.create_playground(user=alice, use_case=use_case, name="Refund bot")


@pytest.fixture
def compared(alice, playground):
    return compared_by(alice, playground)


@pytest.fixture
def signed_in(client, alice):
    client.force_login(alice)
    return client


def page_of(client, comparison) -> str:
    response = client.get(reverse("playground:comparison-detail", args=[comparison.pk]))
    assert response.status_code == 200
    return str(response.content.decode())


def article_of(client, question) -> str:
    """What the page's script gets of one question."""
    url = reverse("playground:compared-detail", args=[question.pk])
    return str(client.get(url, headers=HTMX).content.decode())


def post(client, name, pk, data=None, **more):
    return client.post(reverse(f"playground:{name}", args=[pk]), data or {}, **more)


def test_answers_stand_side_by_side_with_their_figures(signed_in, compared):
    page = page_of(signed_in, compared.comparison)

    assert "How long may I wait?</h2>" in page
    assert page.index(">Terse</h3>") < page.index(">Chatty</h3>")
    for result in compared.results:
        assert f'href="/results/{result.pk}/sources/1/" data-cite="1"' in page
        assert f'href="/results/{result.pk}/sources/"' in page
    for figure in ("1.00 s", "1.50 s", "300 ms", "1,908", "$0.00030", "1 source<"):
        assert figure in page
    assert f"?comparison={compared.comparison.pk}" in page


def test_the_best_of_each_figure_is_marked_in_words_too(signed_in, compared):
    answer(compared.results[0], "a", cost="0.5", confidence_scores={"rouge": 0.5})
    answer(compared.results[1], "a", cost="0.1", confidence_scores={"rouge": 0.25})

    terse, chatty = article_of(signed_in, compared.question).split("</section>")[:2]

    best = r'<dt>([\w -]+)</dt><dd class="is-best">([^<]+)<span class="best">'
    assert re.findall(best, terse) == [("rouge-1", "0.50")]
    assert re.findall(best, chatty) == [("cost", "$0.10")]


def test_figures_in_which_all_are_equal_have_no_best(signed_in, compared):
    for result in compared.results:
        answer(result, "a")

    assert "is-best" not in article_of(signed_in, compared.question)


def test_metrics_are_figures_and_one_that_failed_says_so(signed_in, compared):
    found = {"name": "faithfulness", "formatted_name": "Faithfulness"}
    answer(compared.results[0], "a", metrics=[found | {"value": 0.97, "formatted_value": "0.97"}])
    answer(compared.results[1], "a", metrics=[found | {"value": None, "error_message": "No judge"}])

    article = article_of(signed_in, compared.question)

    assert "<dt>faithfulness</dt><dd>0.97</dd>" in article
    assert '<div title="No judge"><dt>faithfulness</dt><dd>failed</dd></div>' in article


def test_a_running_answer_can_be_stopped_and_has_no_figures_yet(signed_in, compared):
    question = board.ask_all(
        compared.comparison, user=compared.comparison.created_by, text="And a gift?"
    )
    result = question.results.get(chat=compared.results[0].chat)

    article = article_of(signed_in, question)

    assert "Vote once all have answered." in article
    assert f'action="/results/{result.pk}/stop/"' in article
    assert "<dd>…</dd>" in article
    assert "data-vote" not in article


def test_the_newest_comparison_opens_else_the_page_of_a_new_one(signed_in, playground):
    url = reverse("playground:compare-home", args=[playground.pk])
    assert "Make the first blueprint" in signed_in.get(url).content.decode()

    alice = playground.created_by
    compared = compared_by(alice, playground)
    comparisons.compare(  # one that stands alone has no page
        user=alice,
        blueprints=[compared.results[0].chat.blueprint],
        text="Alone",
        with_drafts=True,
    )

    location = f"/comparisons/{compared.comparison.pk}/"
    assert signed_in.get(url).headers["Location"] == location
    page = signed_in.get(f"{url}?new").content.decode()
    assert "One question, every blueprint" in page
    assert page.count(" checked") == 2
    assert "Alone" not in page


def test_a_first_question_begins_a_comparison(signed_in, playground, compared):
    chosen = compared.results[1].chat.blueprint
    data = {"text": "And\r\na gift?", "blueprint": [chosen.pk], "is_blind": "on"}

    response = post(signed_in, "compare-ask", playground.pk, data)

    comparison = ComparisonChat.objects.exclude(pk=compared.comparison.pk).get()
    assert response.headers["Location"] == f"/comparisons/{comparison.pk}/"
    assert (comparison.name, comparison.is_blind) == ("And", True)
    assert comparison.prompts.get().text == "And\na gift?"
    assert list(comparison.blueprints.all()) == [chosen]


@pytest.mark.parametrize(
    ("text", "ticks", "message"),
    [
        ("", True, "Write a question first."),
        ("\x00", True, "Null characters are not allowed."),
        ("Why?", False, "Tick at least one blueprint"),
    ],
)
@pytest.mark.parametrize("headers", [None, HTMX])
def test_a_first_question_that_cannot_be_put_leaves_nothing(
    signed_in, playground, compared, text, ticks, message, headers
):
    chosen = [result.chat.blueprint_id for result in compared.results] if ticks else []

    response = post(
        signed_in,
        "compare-ask",
        playground.pk,
        {"text": text, "blueprint": chosen},
        headers=headers,
    )

    assert response.status_code == 422
    assert message in response.content.decode()
    assert ComparisonChat.objects.count() == 1


def test_blueprints_of_other_playgrounds_are_not_asked(signed_in, alice, use_case, compared):
    other = services.create_playground(user=alice, use_case=use_case, name="Other")
    chosen = compared.results[0].chat.blueprint_id

    response = post(signed_in, "compare-ask", other.pk, {"text": "Why?", "blueprint": [chosen]})

    assert response.status_code == 422
    assert not other.comparison_chats.exists()


def test_a_further_question_comes_as_a_fragment_or_leads_to_its_place(signed_in, compared):
    pk = compared.comparison.pk

    fragment = post(signed_in, "comparison-ask", pk, {"text": "And a gift?"}, headers=HTMX)
    plain = post(signed_in, "comparison-ask", pk, {"text": "And at night?"})

    third = ComparisonPrompt.objects.get(text="And at night?")
    assert fragment.content.decode().count("data-unfinished") == 2
    assert plain.headers["Location"] == f"/comparisons/{pk}/#question-{third.pk}"


@pytest.mark.parametrize("headers", [None, HTMX])
def test_a_further_question_that_cannot_be_put_changes_nothing(signed_in, compared, headers):
    LLM.objects.update(is_active=False)

    response = post(
        signed_in,
        "comparison-ask",
        compared.comparison.pk,
        {"text": "And a gift?"},
        headers=headers,
    )

    assert response.status_code == 422
    assert "cannot answer" in response.content.decode()
    assert ComparisonPrompt.objects.count() == 1


def test_who_is_unticked_is_not_shown_and_comes_back_with_what_was_said(signed_in, compared):
    pk = compared.comparison.pk
    ids = [result.chat.blueprint_id for result in compared.results]

    post(signed_in, "comparison-choose", pk, {"blueprint": ids[:1]})
    assert "Thirty days, says 1" not in page_of(signed_in, compared.comparison)
    post(signed_in, "comparison-choose", pk, {"blueprint": ids})

    assert "Thirty days, says 1" in page_of(signed_in, compared.comparison)
    assert ChatPrompt.objects.count() == 2


@pytest.mark.parametrize("headers", [None, HTMX])
def test_who_cannot_answer_is_refused_in_the_list(signed_in, alice, compared, headers):
    late = compared_by(alice, compared.comparison.playground, "Late").results[0].chat.blueprint
    LLM.objects.update(is_active=False)
    ids = [*(result.chat.blueprint_id for result in compared.results), late.pk]

    response = post(
        signed_in, "comparison-choose", compared.comparison.pk, {"blueprint": ids}, headers=headers
    )

    page = response.content.decode()
    assert response.status_code == 422
    assert "“Late” cannot answer. " in page
    assert f'value="{late.pk}" checked' not in page
    assert compared.comparison.blueprints.count() == 2


def test_how_many_columns_there_are_is_said_before_the_first(signed_in, compared):
    page = article_of(signed_in, compared.question)

    assert '<div class="cols" data-columns="2">' in page


def test_what_was_not_asked_is_told_in_its_column(signed_in, alice, compared):
    late = compared_by(alice, compared.comparison.playground, "Late").results[0].chat.blueprint
    compared.comparison.blueprints.add(late)

    article = article_of(signed_in, compared.question)

    assert "Was not asked this." in article
    assert article.index(">Chatty</h3>") < article.index(">Late</h3>")


def test_a_vote_is_cast_changed_and_taken_back(signed_in, vera, compared):
    pk = compared.question.pk
    for best in (compared.results[0].pk, compared.results[1].pk, "tie"):
        response = post(signed_in, "compared-prefer", pk, {"best": best}, headers=HTMX)
        assert response.status_code == 204
    assert Preference.objects.get().best is None
    assert 'aria-pressed="true" data-vote="0"' in article_of(signed_in, compared.question)
    assert "tie for" not in article_of(signed_in, compared.question)
    signed_in.force_login(vera)
    assert "A tie for alice" in article_of(signed_in, compared.question)

    signed_in.force_login(compared.comparison.created_by)
    assert post(signed_in, "compared-prefer", pk, {"best": "none"}).status_code == 302
    assert not Preference.objects.exists()


def test_votes_of_others_are_seen_with_their_names(signed_in, vera, compared):
    board.prefer(compared.question, user=vera, best=compared.results[1])

    terse, chatty = article_of(signed_in, compared.question).split("</section>")[:2]

    assert "best for vera" in chatty
    assert 'aria-pressed="false" aria-label="Chatty is best"' in chatty
    assert "best for" not in terse


@pytest.mark.parametrize("best", ["", "0" * 24, "x", "\x00"])
def test_a_vote_for_nothing_is_not_found(signed_in, compared, best):
    assert (
        post(signed_in, "compared-prefer", compared.question.pk, {"best": best}).status_code == 404
    )
    assert not Preference.objects.exists()


def test_a_vote_is_between_the_answers_that_were_seen(signed_in, alice, compared):
    pk = compared.question.pk
    [seen] = set(
        re.findall(r'name="seen" value="([^"]+)"', article_of(signed_in, compared.question))
    )
    board.answer_again(compared.results[0], user=alice)
    new = compared.question.results.exclude(pk=compared.results[1].pk).get()
    votes = [{"best": "tie", "seen": seen}, {"best": compared.results[1].pk, "seen": seen}]

    while_it_runs = [post(signed_in, "compared-prefer", pk, vote).status_code for vote in votes]
    answer(new, "Forty days.")
    afterwards = [post(signed_in, "compared-prefer", pk, vote).status_code for vote in votes]

    assert while_it_runs == [422, 422]
    assert afterwards == [409, 409]
    assert not Preference.objects.exists()
    [seen] = set(
        re.findall(r'name="seen" value="([^"]+)"', article_of(signed_in, compared.question))
    )
    assert post(signed_in, "compared-prefer", pk, {"best": "tie", "seen": seen}).status_code == 302
    assert set(Preference.objects.get().candidates.all()) == {new, compared.results[1]}


def test_a_thumb_is_ones_own(signed_in, vera, compared):
    response = post(
        signed_in, "result-feedback", compared.results[0].pk, {"thumb": "up"}, headers=HTMX
    )

    assert f'action="/results/{compared.results[0].pk}/feedback/"' in response.content.decode()
    assert Feedback.objects.get().is_positive
    signed_in.force_login(vera)
    assert 'value="none"' not in article_of(signed_in, compared.question)


def test_what_is_blind_tells_no_name_and_no_figure_before_the_vote(signed_in, alice, playground):
    compared = compared_by(alice, playground, "Quick Fox", "Lazy Dog", is_blind=True)
    answer(compared.results[0], "", status=Status.ERROR, error_message="gpt-x at 10.1.2.3 refused.")
    Preference.objects.create(
        question=compared.question, user=alice, best=compared.results[1]
    ).delete()

    article = article_of(signed_in, compared.question)
    page = page_of(signed_in, compared.comparison)
    differing = signed_in.get(
        reverse("playground:compared-differences", args=[compared.question.pk]), headers=HTMX
    ).content.decode()

    for part in (article, page[page.index('id="board"') : page.index("</main>")], differing):
        for word in ("Quick", "Lazy", "extractive", "Extractive", "hue-", "gpt-x", "<dl"):
            assert word not in part, word
        for result in compared.results:
            assert result.chat_id not in part
            assert result.chat.blueprint_id not in part
    assert "Answer 1" in article
    assert "What went wrong is shown after your vote." in article
    assert "1.00 s" not in page
    assert "1.50 s" not in page


def test_what_is_blind_tells_nothing_of_passages_before_the_vote(signed_in, alice, playground):
    compared = compared_by(alice, playground, is_blind=True)
    others = [CITATION | {"number": number, "source": f"{number}.md"} for number in (2, 3, 4, 5)]
    support = Support(score=0.1, number=1, is_cited=True).to_json()
    result = compared.results[0]
    answer(
        result,
        "Thirty days, says 0 [1].",
        citations=[CITATION, *others],
        sentence_support=[support],
    )

    def parts():
        sources = reverse("playground:result-sources", args=[result.pk])
        differing = reverse("playground:compared-differences", args=[compared.question.pk])
        return [
            article_of(signed_in, compared.question),
            signed_in.get(sources, headers=HTMX).content.decode(),
            signed_in.get(sources).content.decode(),
            signed_in.get(differing, headers=HTMX).content.decode(),
        ]

    before = parts()
    board.prefer(compared.question, user=alice, best=None)
    after = parts()

    told = ["data-support", "5 sources", "5.md", "only in"]
    assert [word in part for word, part in zip(told, after, strict=True)] == [True] * 4
    for part in before:
        for word in (*told, "5 source", "similarity", "data-awaited"):
            assert word not in part, word
    assert "returns.md" in before[1]
    assert "shown after your vote" in before[1]


def test_a_source_of_what_is_blind_has_no_figures_before_the_vote(signed_in, alice, playground):
    compared = compared_by(alice, playground, is_blind=True)
    cited = CITATION | {"is_neighbor": True, "is_cut": True, "is_edited": True}
    result = compared.results[0]
    answer(result, "Thirty days [1].", citations=[cited, CITATION | {"number": 2}])

    def read(number, **kind):
        url = reverse("playground:result-citation", args=[result.pk, number])
        return signed_in.get(url, **kind)

    def parts():
        listed = signed_in.get(reverse("playground:result-sources", args=[result.pk]))
        return [one.content.decode() for one in (read(1), read(1, headers=HTMX), listed)]

    before, uncited = parts(), read(2).status_code
    board.prefer(compared.question, user=alice, best=None)
    after = parts()

    told = ("similarity", "4 tokens", "neighbour", "cut at", "edited by hand")
    for part in before:
        assert "Within thirty days." in part
        for word in told:
            assert word not in part, word
    assert all(word in after[0] and word in after[1] for word in told)
    assert (uncited, read(2).status_code) == (404, 200)


def test_after_the_vote_all_is_told_to_who_voted_and_not_to_others(
    signed_in, alice, vera, playground
):
    compared = compared_by(alice, playground, "Quick Fox", "Lazy Dog", is_blind=True)

    board.prefer(compared.question, user=alice, best=None)

    assert "Quick Fox" in article_of(signed_in, compared.question)
    assert "1.00 s" in article_of(signed_in, compared.question)
    signed_in.force_login(vera)
    hidden = article_of(signed_in, compared.question)
    assert "Quick Fox" not in hidden
    assert "alice" not in hidden


def test_a_blind_order_is_shuffled_by_question_and_person_and_stays(
    signed_in, alice, vera, playground
):
    names = [f"Number {number}" for number in range(6)]
    compared = compared_by(alice, playground, *names, is_blind=True)
    other = board.ask_all(compared.comparison, user=alice, text="And a gift?")
    for result in other.results.all():
        answer(result, "a")
    orders = {}
    for user in (alice, vera):
        signed_in.force_login(user)
        for question in (compared.question, other):
            ids = re.findall(r'id="prompt-(\w+)"', article_of(signed_in, question))
            places = dict(question.results.values_list("pk", "chat__blueprint__name"))
            orders[user.pk, question.pk] = [places[pk] for pk in ids]
            assert ids == re.findall(r'id="prompt-(\w+)"', article_of(signed_in, question))
        board.prefer(compared.question, user=user, best=None)
        ids = re.findall(r'id="prompt-(\w+)"', article_of(signed_in, compared.question))
        assert [places_of(compared.question)[pk] for pk in ids] == orders[
            user.pk, compared.question.pk
        ]

    assert all(sorted(order) == names for order in orders.values())
    # Of 720 orders, four by chance the same: once in 373 million runs.
    assert len({tuple(order) for order in orders.values()}) > 1


def places_of(question):
    return dict(question.results.values_list("pk", "chat__blueprint__name"))


def test_blindness_is_switched_for_everybody(signed_in, compared):
    pk = compared.comparison.pk

    assert post(signed_in, "comparison-blind", pk, {"is_blind": "on"}).status_code == 302
    assert ComparisonChat.objects.get(pk=pk).is_blind
    assert post(signed_in, "comparison-blind", pk, headers=HTMX).status_code == 204
    assert not ComparisonChat.objects.get(pk=pk).is_blind


def test_a_blueprint_that_changed_since_its_answer_is_told(signed_in, alice, compared):
    terse = compared.results[0].chat.blueprint
    services.update_blueprint(
        terse, user=alice, changes=SettingsChanges(prompt_type="ONE_TIME_PROMPT")
    )

    first, second = article_of(signed_in, compared.question).split("</section>")[:2]

    assert "it was version 1, and is 2 now." in first
    assert "Changed since" not in second


def test_two_versions_of_a_database_are_told(signed_in, compared, two_versions):
    for result, database in zip(compared.results, two_versions, strict=True):
        answer(result, "a", vector_database_id=database.pk)

    article = article_of(signed_in, compared.question)

    assert (
        "different versions of one vector database: Terse on version 1; Chatty on version 2."
        in article
    )


def test_a_database_that_changed_between_two_answers_is_told(signed_in, compared, two_versions):
    now = timezone.now()
    database = two_versions[0]
    for result, hours in zip(compared.results, (4, 0), strict=True):
        asked = {"created_at": now - timedelta(hours=hours)}
        answer(result, "a", vector_database_id=database.pk, **asked)
    assert "like with like" not in article_of(signed_in, compared.question)

    between = now - timedelta(hours=2)
    VectorDatabase.objects.filter(pk=database.pk).update(edited_at=between)
    assert "Chunks of “Book” were edited" in article_of(signed_in, compared.question)

    VectorDatabase.objects.filter(pk=database.pk).update(chunks_removed_at=between)
    assert "The documents of “Book” changed" in article_of(signed_in, compared.question)


@pytest.fixture
def two_versions(alice, use_case):
    given = {
        "use_case": use_case,
        "created_by": alice,
        "name": "Book",
        "dimensions": 3,
        "chunk_size": 100,
        "chunk_overlap_percentage": 0,
        "separators": [],
        "family_id": "f" * 24,
        "status": Status.COMPLETED,
    }
    return [VectorDatabase.objects.create(version=version, **given) for version in (1, 2)]


def test_differences_of_two_answers_are_chosen_and_told(signed_in, alice, playground, compared):
    url = reverse("playground:compared-differences", args=[compared.question.pk])
    terse, chatty = compared.results

    page = signed_in.get(url).content.decode()
    turned = signed_in.get(f"{url}?left={chatty.pk}&right={terse.pk}", headers=HTMX)

    assert "<del>0</del> <ins>1</ins>" in page
    assert "<del>1</del> <ins>0</ins>" in turned.content.decode()
    assert "= both, same rank" in page
    assert "<html" not in turned.content.decode()


def test_one_answer_alone_differs_from_nothing(signed_in, alice, playground):
    compared = compared_by(alice, playground, "Alone")

    url = reverse("playground:compared-differences", args=[compared.question.pk])

    assert signed_in.get(url).status_code == 404
    assert "Differences" not in article_of(signed_in, compared.question)


@pytest.mark.parametrize("headers", [None, HTMX])
def test_sources_of_an_answer_and_one_of_them(signed_in, compared, headers):
    result = compared.results[0]

    every = signed_in.get(f"/results/{result.pk}/sources/", headers=headers).content.decode()
    one = signed_in.get(f"/results/{result.pk}/sources/1/", headers=headers).content.decode()

    assert f'href="/results/{result.pk}/sources/1/"' in every
    assert "Within thirty days." in one
    assert ("<html" in every) == ("<html" in one) == (headers is None)
    assert signed_in.get(f"/results/{result.pk}/sources/2/").status_code == 404


def test_one_is_stopped_and_one_retried(signed_in, compared):
    kept, retried = compared.results

    assert post(signed_in, "result-retry", retried.pk, headers=HTMX).status_code == 204
    assert post(signed_in, "result-retry", kept.pk).status_code == 302
    new = compared.question.results.get(chat=kept.chat)
    assert post(signed_in, "result-retry", new.pk, headers=HTMX).status_code == 409
    assert post(signed_in, "result-stop", new.pk, headers=HTMX).status_code == 204
    assert post(signed_in, "comparison-stop", compared.comparison.pk).status_code == 302

    assert set(compared.question.results.values_list("stop_requested", flat=True)) == {True}


def test_comparisons_are_renamed_and_deleted_like_chats(signed_in, compared):
    pk = compared.comparison.pk

    post(signed_in, "comparison-rename", pk, {"name": "Oils"})
    assert '<span class="clip">Oils</span>' in page_of(signed_in, compared.comparison)
    assert post(signed_in, "comparison-rename", pk, {"name": ""}).status_code == 422
    assert "answers and votes" in signed_in.get(f"/comparisons/{pk}/delete/").content.decode()
    assert post(signed_in, "comparison-delete", pk).status_code == 302

    assert not ChatPrompt.objects.exists()


def test_a_question_is_deleted_with_its_answers(signed_in, compared):
    assert (
        "answers and votes"
        in signed_in.get(f"/compared/{compared.question.pk}/delete/").content.decode()
    )
    post(signed_in, "compared-delete", compared.question.pk)

    assert not ChatPrompt.objects.exists()
    assert ComparisonChat.objects.count() == 1


def test_viewers_vote_and_do_no_more(client, vera, compared):
    client.force_login(vera)

    page = page_of(client, compared.comparison)

    assert "You may read, vote and judge." in page
    assert 'data-vote="1"' in page
    for control in ("composer", "Retry", "Delete", "Rename", "New blueprint", "stop-all"):
        assert control not in page


def test_the_newest_questions_come_first_and_the_others_on_request(signed_in, alice, compared):
    for number in range(9):
        board.ask_all(compared.comparison, user=alice, text=f"Number {number}?")

    page = page_of(signed_in, compared.comparison)
    whole = signed_in.get(f"/comparisons/{compared.comparison.pk}/?all").content.decode()

    # Sixteen answers of two blueprints.
    assert re.findall(r"Number \d", page) == [f"Number {number}" for number in range(1, 9)]
    assert "Show earlier questions" in page
    assert whole.count("<article") == 10
    assert "Show earlier questions" not in whole


def test_the_more_are_compared_the_fewer_questions_come_at_once(
    signed_in, alice, compared, monkeypatch
):
    for number in range(4):
        board.ask_all(compared.comparison, user=alice, text=f"Number {number}?")

    for answers, questions in ((8, 4), (6, 3), (1, 2)):
        monkeypatch.setattr(page_module, "_ANSWERS_AT_ONCE", answers)
        assert page_of(signed_in, compared.comparison).count("<article") == questions


def test_a_question_is_shown_on_the_page_that_holds_it(signed_in, alice, compared, monkeypatch):
    monkeypatch.setattr(page_module, "_ANSWERS_AT_ONCE", 4)
    for number in range(4):
        board.ask_all(compared.comparison, user=alice, text=f"Number {number}?")
    url = f"/comparisons/{compared.comparison.pk}/"

    first = signed_in.get(f"/compared/{compared.question.pk}/").headers["Location"]
    newest = signed_in.get(f"{url}?shown={ComparisonPrompt.objects.get(text='Number 2?').pk}")

    assert first == f"{url}?shown={compared.question.pk}#question-{compared.question.pk}"
    page = signed_in.get(first).content.decode()
    assert f'id="question-{compared.question.pk}"' in page
    assert re.findall(r"Number \d", page) == ["Number 0"]
    assert "Go to the newest" in page
    page = newest.content.decode()
    assert re.findall(r"Number \d", page) == ["Number 2", "Number 3"]
    assert "Go to the newest" not in page


def test_a_page_holds_only_so_many_and_leads_to_those_before(
    signed_in, alice, compared, monkeypatch
):
    monkeypatch.setattr(page_module, "_ANSWERS_AT_ONCE", 4)
    monkeypatch.setattr(page_module, "_MOST_QUESTIONS", 2)
    for number in range(4):
        board.ask_all(compared.comparison, user=alice, text=f"Number {number}?")
    url = f"/comparisons/{compared.comparison.pk}/"

    newest = signed_in.get(url).content.decode()
    whole = signed_in.get(f"{url}?all").content.decode()
    assert re.findall(r"Number \d", whole) == re.findall(r"Number \d", newest)
    [earlier_url] = re.findall(r'href="(\?before=\w+)"', newest)
    earlier = signed_in.get(url + earlier_url).content.decode()
    [first_url] = re.findall(r'href="(\?before=\w+)"', earlier)
    first = signed_in.get(url + first_url).content.decode()

    assert re.findall(r"Number \d", newest) == ["Number 2", "Number 3"]
    assert re.findall(r"Number \d", earlier) == ["Number 0", "Number 1"]
    assert first.count("<article") == 1
    assert "Show earlier questions" not in first
    # New questions are asked, and seen, on the page of the newest.
    assert 'id="composer"' in newest
    for page in (earlier, first):
        assert 'id="composer"' not in page
        assert "Go to the newest" in page


@pytest.mark.parametrize("before", ["", "0" * 24, "x", "\x00"])
def test_before_a_question_that_is_not_there_is_nothing(signed_in, compared, before):
    url = f"/comparisons/{compared.comparison.pk}/"

    assert signed_in.get(url, {"before": before}).status_code == 404


def test_a_page_takes_a_constant_number_of_queries(
    signed_in, alice, compared, django_assert_max_num_queries
):
    with django_assert_max_num_queries(40) as first:
        page_of(signed_in, compared.comparison)
    for number in range(3):
        question = board.ask_all(compared.comparison, user=alice, text=f"{number}?")
        for result in question.results.all():
            answer(result, "a")

    with django_assert_max_num_queries(len(first.captured_queries)):
        page_of(signed_in, compared.comparison)


def test_without_the_page_its_fragments_lead_to_it(signed_in, compared):
    pk, question = compared.comparison.pk, compared.question.pk

    assert signed_in.get(f"/comparisons/{pk}/state/").headers["Location"] == f"/comparisons/{pk}/"
    assert (
        signed_in.get(f"/compared/{question}/")
        .headers["Location"]
        .endswith(f"#question-{question}")
    )
    board = signed_in.get(f"/comparisons/{pk}/", headers=HTMX).content.decode()
    assert board.startswith('<div class="questions"')


def test_a_deleted_blueprint_takes_its_column_along(signed_in, alice, compared):
    blueprint = Blueprint.objects.get(name="Chatty")

    services.delete_blueprint(blueprint, user=alice)

    page = page_of(signed_in, compared.comparison)
    assert "Terse" in page
    assert "Chatty" not in page
