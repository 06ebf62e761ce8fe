"""What people say of passages, and the figures that follow from it."""

import math

import pytest

from blueprints.settings import AnswerSettings
from config.errors import Conflict, Forbidden, NotFound
from config.status import Status
from playground import services
from playground.gold import label_passage, labelled_questions, own_label
from playground.gold_figures import figures_by_blueprint
from playground.models import ChatPrompt, GoldLabel, GoldQuestion
from vectordb.models import VectorDatabase

QUESTION = "Until when can it go back?"


@pytest.fixture
def database(alice, use_case) -> VectorDatabase:
    """Known by name alone: what it holds plays no part here."""
    database = VectorDatabase(
        use_case=use_case, name="Book", dataset_name="Book", embedding_model="m", dimensions=3
    )
    database.chunking_method, database.chunk_size = "recursive", 256
    database.chunk_overlap_percentage, database.separators = 0, ["\n"]
    database.family_id, database.created_by = database.pk, alice
    database.status = Status.COMPLETED
    database.save()
    return database


@pytest.fixture
def blueprint_named(alice, playground):
    def make(name):
        return services.create_blueprint(
            user=alice, playground=playground, name=name, settings=AnswerSettings()
        )

    return make


@pytest.fixture
def answered(alice, playground, database):
    """Makes an answer of a blueprint that cites these places: (document, start, end)."""

    def make(blueprint, *places, text=QUESTION, base=database) -> ChatPrompt:
        chat = services.create_chat(user=alice, playground=playground, blueprint=blueprint)
        prompt = services.ask(user=alice, chat=chat, text=text)
        citations = [citation(number, *place) for number, place in enumerate(places, start=1)]
        ChatPrompt.objects.filter(pk=prompt.pk).update(
            status=Status.COMPLETED, citations=citations, vector_database_id=base.pk
        )
        return ChatPrompt.objects.select_related("chat__playground__use_case").get(pk=prompt.pk)

    return make


def citation(number, document, start, end):
    """`document` is a file, or a file and one of the documents in it."""
    file, _, row = document.partition("/")
    place = {"document_id": file, "source": row or f"{file}.md", "start": start, "end": end}
    return place | {"number": number, "page": None, "text": f"{start} to {end}"}


def test_a_passage_is_judged_anew_and_left_unjudged(answered, blueprint_named, alice, vera):
    prompt = answered(blueprint_named("A"), ("book", 0, 100))

    for is_relevant in (True, False, None):
        label_passage(prompt, 1, user=vera, is_relevant=is_relevant)

        assert own_label(prompt, 1, user=vera) is is_relevant
        assert own_label(prompt, 1, user=alice) is None
    assert GoldLabel.objects.count() == 0


def test_a_question_gathers_what_everybody_says_of_each_place(
    answered, blueprint_named, database, alice, vera
):
    first = answered(blueprint_named("A"), ("book", 0, 100), ("book", 100, 200))
    second = answered(blueprint_named("B"), ("book", 0, 100))
    label_passage(first, 1, user=alice, is_relevant=True)
    label_passage(second, 1, user=vera, is_relevant=True)
    label_passage(first, 2, user=vera, is_relevant=False)

    [listed] = labelled_questions(database)

    assert listed.question.text == QUESTION
    told = [(one.label.start, one.ups, one.downs, one.is_relevant) for one in listed.passages]
    assert told == [(0, 2, 0, True), (100, 0, 1, False)]


def test_a_question_whose_labels_were_all_taken_back_is_none(
    answered, blueprint_named, database, alice
):
    prompt = answered(blueprint_named("A"), ("book", 0, 100))
    label_passage(prompt, 1, user=alice, is_relevant=True)
    label_passage(prompt, 1, user=alice, is_relevant=None)

    assert labelled_questions(database) == []


def test_a_stranger_judges_nothing(answered, blueprint_named, bob):
    prompt = answered(blueprint_named("A"), ("book", 0, 100))

    with pytest.raises(Forbidden):
        label_passage(prompt, 1, user=bob, is_relevant=True)
    assert GoldQuestion.objects.count() == 0


def test_what_the_answer_does_not_cite_cannot_be_judged(answered, blueprint_named, alice):
    prompt = answered(blueprint_named("A"), ("book", 0, 100))

    with pytest.raises(NotFound):
        label_passage(prompt, 2, user=alice, is_relevant=True)


def test_nor_what_came_from_a_database_that_is_gone(answered, blueprint_named, alice, database):
    prompt = answered(blueprint_named("A"), ("book", 0, 100))
    database.delete()

    with pytest.raises(Conflict, match="was deleted"):
        label_passage(prompt, 1, user=alice, is_relevant=True)
    assert own_label(prompt, 1, user=alice) is None


def test_only_editors_delete_gold_questions(answered, blueprint_named, alice, vera):
    prompt = answered(blueprint_named("A"), ("book", 0, 100))
    label_passage(prompt, 1, user=vera, is_relevant=True)
    question = GoldQuestion.objects.get()

    with pytest.raises(Forbidden):
        services.delete_gold_question(question, user=vera)
    services.delete_gold_question(question, user=alice)

    assert not GoldLabel.objects.exists()


# Gold at 0-100 and 200-300 of the book, and which places an answer cites in which order.
GOLD = [("book", 0, 100), ("book", 200, 300)]
FAR = ("book", 900, 1000)


def dcg(*places):
    return sum(1 / math.log2(1 + place) for place in places)


@pytest.mark.parametrize(
    ("cited", "hits", "recall", "mrr", "ndcg"),
    [
        (GOLD, 1, 1, 1, 1),
        ([FAR, GOLD[1]], 1, 0.5, 0.5, dcg(2) / dcg(1, 2)),
        ([FAR, FAR, GOLD[0], GOLD[1]], 1, 1, 1 / 3, dcg(3, 4) / dcg(1, 2)),
        ([FAR], 0, 0, 0, 0),
        ([], 0, 0, 0, 0),
        ([FAR] * 10 + GOLD, 0, 0, 0, 0),
        # The places of another document are others, however they are called.
        ([("note", 0, 100)], 0, 0, 0, 0),
        ([("book/another in the same file", 0, 100)], 0, 0, 0, 0),
        # Cut otherwise: half of the shorter is enough, a margin is not.
        ([("book", 50, 150)], 1, 0.5, 1, dcg(1) / dcg(1, 2)),
        ([("book", 51, 151)], 0, 0, 0, 0),
        ([("book", 90, 110)], 1, 0.5, 1, dcg(1) / dcg(1, 2)),
        ([("book", 0, 300)], 1, 1, 1, 1),
    ],
)
def test_figures_follow_from_where_gold_passages_stand(
    answered, blueprint_named, database, alice, cited, hits, recall, mrr, ndcg
):
    judged = answered(blueprint_named("Judged"), *GOLD, ("book", 400, 500))
    for number, is_relevant in ((1, True), (2, True), (3, False)):
        label_passage(judged, number, user=alice, is_relevant=is_relevant)
    blueprint = blueprint_named("Measured")
    answered(blueprint, *cited)

    figures = figures_by_blueprint(database)[blueprint.pk]

    assert figures.questions == 1
    told = (figures.hit_rate, figures.recall, figures.mrr, figures.ndcg)
    assert told == pytest.approx((hits, recall, mrr, ndcg))


def test_a_passage_is_gold_when_more_people_say_so_than_not(
    answered, blueprint_named, database, alice, vera
):
    blueprint = blueprint_named("A")
    prompt = answered(blueprint, ("book", 0, 100), ("book", 200, 300))
    label_passage(prompt, 1, user=alice, is_relevant=True)
    label_passage(prompt, 1, user=vera, is_relevant=False)
    label_passage(prompt, 2, user=alice, is_relevant=True)

    figures = figures_by_blueprint(database)[blueprint.pk]

    assert (figures.recall, figures.mrr) == (1, 0.5)


def test_figures_are_means_over_questions_and_of_the_newest_answer_to_each(
    answered, blueprint_named, database, alice
):
    blueprint = blueprint_named("A")
    for text in (QUESTION, "And parcels?"):
        prompt = answered(blueprint_named("Judged"), GOLD[0], text=text)
        label_passage(prompt, 1, user=alice, is_relevant=True)
    answered(blueprint, FAR)
    answered(blueprint, FAR, GOLD[0])
    answered(blueprint, FAR, text="And parcels?")
    answered(blueprint, GOLD[0], text="Something that nobody has judged?")

    figures = figures_by_blueprint(database)[blueprint.pk]

    assert (figures.questions, figures.hit_rate, figures.recall, figures.mrr) == (2, 0.5, 0.5, 0.25)
    assert figures.ndcg == pytest.approx(dcg(2) / 2)


def test_what_was_answered_from_another_database_or_failed_does_not_count(
    answered, blueprint_named, database, alice
):
    judged = answered(blueprint_named("Judged"), GOLD[0])
    label_passage(judged, 1, user=alice, is_relevant=True)
    other = VectorDatabase.objects.get(pk=database.pk)
    other.pk = other.family_id = "0" * 24
    other.save(force_insert=True)
    elsewhere, failed = blueprint_named("Elsewhere"), blueprint_named("Failed")
    answered(elsewhere, GOLD[0], base=other)
    prompt = answered(failed, GOLD[0])
    ChatPrompt.objects.filter(pk=prompt.pk).update(status=Status.ERROR)

    assert set(figures_by_blueprint(database)) == {judged.chat.blueprint_id}


def test_versions_of_a_family_share_their_gold_questions(
    answered, blueprint_named, database, alice
):
    version = VectorDatabase.objects.get(pk=database.pk)
    version.pk, version.version = "1" * 24, 2
    version.save(force_insert=True)
    label_passage(answered(blueprint_named("A"), GOLD[0]), 1, user=alice, is_relevant=True)
    blueprint = blueprint_named("B")
    answered(blueprint, ("book", 10, 90), base=version)

    assert figures_by_blueprint(version) == figures_by_blueprint(database)
    assert figures_by_blueprint(version)[blueprint.pk].recall == 1
    assert [one.question.text for one in labelled_questions(version)] == [QUESTION]


def test_gold_questions_are_seen_by_members_of_the_use_case_alone(
    answered, blueprint_named, alice, bob, vera
):
    label_passage(answered(blueprint_named("A"), GOLD[0]), 1, user=alice, is_relevant=True)

    assert GoldQuestion.objects.visible_to(vera).count() == 1
    assert GoldQuestion.objects.visible_to(bob).count() == 0
