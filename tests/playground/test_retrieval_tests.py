"""Testing retrieval alone: the verb, the worker's part, and what is kept."""

import asyncio

import pytest
from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.jobs import Job

from accounts import services as accounts
from accounts.models import UseCase, User
from blueprints.llm_settings import LLMSettings
from blueprints.settings import AnswerSettings
from config.errors import Forbidden, InvalidInput
from config.status import Status
from playground import retrieval_tasks, retrieval_tests
from playground.models import RetrievalTest
from playground.retrieval_tests import MOST_KEPT, SideWish
from tests.llm_server import UNAUTHORIZED, Behaviour
from tracing.models import Log
from vectordb import services as vectordb
from vectordb.embedding_models import MINILM
from vectordb.models import VectorDatabase
from vectordb.retrieval_settings import RetrievalSettings, Retriever

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "May I return an opened item?"


def wish(label="Own settings", database=None, llm=None, longest=None, **settings) -> SideWish:
    return SideWish(
        label,
        AnswerSettings(
            llm_id=llm.pk if llm else None,
            llm_settings=LLMSettings(max_completion_length=longest),
            vector_database_id=database.pk if database else None,
            retrieval_settings=RetrievalSettings(**settings),
        ),
    )


def create(user, database, *sides, text=QUESTION, **more) -> RetrievalTest:
    return retrieval_tests.create_test(
        user=user, database=database, text=text, sides=sides or [wish()], **more
    )


def row(user: User, use_case: UseCase, status=Status.COMPLETED) -> VectorDatabase:
    """A database that holds nothing, for what never comes so far as to search it."""
    made = VectorDatabase(use_case=use_case, name="Shelf", status=status, created_by=user)
    made.family_id, made.separators, made.embedding_model = made.pk, [], MINILM
    made.dimensions, made.chunk_size, made.chunk_overlap_percentage = 384, 128, 0
    made.save()
    return made


@pytest.fixture
def shelf(alice, use_case) -> VectorDatabase:
    return row(alice, use_case)


@pytest.fixture
def searched(alice, handbook, run_jobs):
    """Makes a test of the handbook and has it done; gives its sides."""

    def make(*sides, **more):
        test = create(alice, handbook, *sides, **more)
        run_jobs()
        test.refresh_from_db()
        assert test.status == Status.COMPLETED, test.error_message
        return test.sides.all()

    return make


def sources(side) -> list[str]:
    return [passage["document_name"] for passage in side.passages]


def test_each_side_searches_in_its_own_way_and_keeps_how(searched, handbook):
    both, one = searched(
        wish(), wish("Words alone", max_documents_retrieved_per_prompt=1, search_mode="keyword")
    )

    assert (len(both.passages), sources(both)[0], sources(one)) == (2, "returns.md", ["returns.md"])
    assert "store credit until day 60" in both.passages[0]["text"]
    assert both.passages[0]["ranks"]["fusion"] == 1
    assert set(one.passages[0]["ranks"]) == {"words"}
    stages = [stage["name"] for stage in both.explain["stages"]]
    assert (stages[0], stages[-1]) == ("embed", "token cap")
    assert (one.label, one.database_name) == ("Words alone", handbook.name)

    only = {"source": "shipping.md"}
    left, right = searched(wish(), wish(search_mode="vector"), metadata_filter=only)
    assert sources(left) == sources(right) == ["shipping.md"]


def test_an_llm_leaves_as_much_room_as_its_answers_would_have(searched, llm):
    llm.context_size = 120
    llm.save()
    capped, free = searched(wish(llm=llm, longest=20), wish())

    assert len(free.passages) == 2
    assert sum(one["token_count"] for one in capped.passages) < 40
    assert len(capped.passages) < 2

    llm.context_size = 20
    llm.save()
    full, free = searched(wish(llm=llm), wish())
    assert "this LLM's context holds 20" in full.error_message
    assert (full.passages, free.error_message) == ([], "")
    assert free.passages


def test_several_questions_are_searched_for_as_for_an_answer(searched, llm, llm_server):
    llm_server.always = Behaviour(text="When do parcels leave?")
    asked, alone = searched(
        wish(llm=llm, retriever=Retriever.MULTI_STEP),
        wish(retriever=Retriever.MULTI_STEP),
        text="May I return it? Is it insured?",
    )

    assert asked.explain["searches"][1:] == ["When do parcels leave?"]
    assert alone.explain["searches"][1:] == ["May I return it?", "Is it insured?"]
    assert len(llm_server.prompts) == 1

    llm_server.always = UNAUTHORIZED
    failed, alone = searched(
        wish(llm=llm, retriever=Retriever.MULTI_STEP), wish(retriever=Retriever.MULTI_STEP)
    )
    assert "key" in failed.error_message
    assert alone.passages


def test_what_the_llm_is_asked_leaves_a_trace(searched, llm, llm_server, client, alice, use_case):
    side = wish(llm=llm, retriever=Retriever.MULTI_STEP)
    llm_server.script(Behaviour(text="When do parcels leave?"), UNAUTHORIZED)
    searched(side, wish(retriever=Retriever.MULTI_STEP), text="May I return it?")
    searched(side, text="Is it insured?")

    asked, failed = Log.objects.order_by("started_at")
    assert (asked.kind, asked.status, asked.parent) == ("rewrite", Status.COMPLETED, None)
    assert (asked.use_case, asked.user) == (use_case, alice)
    assert asked.input_tokens
    assert asked.cost
    assert asked.payload.inputs["messages"] == llm_server.prompts[0]["messages"]
    assert (failed.kind, failed.status) == ("rewrite", Status.ERROR)
    assert "key" in failed.error_message

    client.force_login(alice)
    listed = client.get(f"/use-cases/{use_case.pk}/traces/").content.decode()
    assert "May I return it?" in listed
    page = client.get(f"/traces/{asked.pk}/").content.decode()
    assert "for a retrieval test" in page
    assert "When do parcels leave?" in page


def test_another_database_of_the_use_case_can_be_searched_beside(
    alice, use_case, searched, handbook, run_jobs
):
    fine = vectordb.create_vector_database(
        user=alice, use_case=use_case, dataset=handbook.dataset, name="Fine"
    )
    run_jobs()

    left, right = searched(wish(), wish(database=fine))

    assert (left.database_name, right.database_name) == (handbook.name, "Fine")
    assert sources(left) == sources(right)


@pytest.mark.parametrize(
    ("field", "sides", "more"),
    [
        ("metadata_filter", [wish()], {"metadata_filter": {"year": {"$near": 3}}}),
        ("text", [wish()], {"text": "x" * 8_001}),
        ("text", [wish()], {"text": "Why\x00?"}),
        (None, [wish(), wish(), wish()], {}),
    ],
)
def test_what_makes_no_test_is_refused(alice, shelf, field, sides, more):
    with pytest.raises(InvalidInput) as info:
        create(alice, shelf, *sides, **more)

    assert info.value.field == field
    assert not RetrievalTest.objects.exists()
    assert not ProcrastinateJob.objects.exists()


def test_only_what_is_ready_and_of_the_use_case_can_be_searched(alice, bob, shelf, use_case):
    theirs = row(bob, accounts.create_use_case(user=bob, name="Mine"))
    for refused in (row(alice, use_case, Status.RUNNING), theirs):
        with pytest.raises(InvalidInput) as info:
            create(alice, shelf, wish(), wish(database=refused))
        assert info.value.field == "vector_database_id"
    assert not RetrievalTest.objects.exists()


def test_those_who_look_may_search_and_strangers_may_not(shelf, vera, bob, llm):
    assert create(vera, shelf).created_by == vera
    with pytest.raises(Forbidden):
        create(bob, shelf)

    # What it costs to ask an LLM is for editors to decide.
    with pytest.raises(Forbidden):
        create(vera, shelf, wish(), wish(llm=llm, retriever=Retriever.MULTI_STEP))
    assert RetrievalTest.objects.visible_to(vera).count() == 1
    assert not RetrievalTest.objects.visible_to(bob).exists()


def test_the_newest_of_each_user_and_database_are_kept(alice, use_case, shelf, vera):
    others = {create(vera, shelf), create(alice, row(alice, use_case))}

    tests = []
    for number in range(MOST_KEPT + 2):
        tests.append(create(alice, shelf, text=f"{number}?"))
        RetrievalTest.objects.filter(pk=tests[-1].pk).update(status=Status.COMPLETED)

    assert set(RetrievalTest.objects.all()) == {*others, *tests[2:]}


def test_what_is_gone_when_the_worker_comes_is_told(alice, shelf, run_jobs, llm):
    test = create(alice, shelf, wish(llm=llm), wish())
    missed = create(alice, shelf)
    missed.delete()
    llm.delete()
    run_jobs()

    left, right = test.sides.all()
    assert "“test-server/test-model” is gone" in left.error_message
    assert "has no chunks" in right.error_message

    test = create(alice, shelf)
    VectorDatabase.objects.update(status=Status.ERROR)
    run_jobs()
    assert "is not ready" in test.sides.get().error_message


def test_a_test_goes_with_its_database(alice, shelf):
    create(alice, shelf)
    vectordb.delete_vector_database(shelf, user=alice)

    assert not RetrievalTest.objects.exists()


def test_what_was_broken_off_is_done_again_and_what_is_done_stays(searched, alice, handbook):
    create(alice, handbook)
    RetrievalTest.objects.update(status=Status.RUNNING)
    [other] = searched()

    done = RetrievalTest.objects.exclude(pk=other.test_id).get()
    assert done.status == Status.COMPLETED
    before = done.sides.get().explain
    take(done, attempts=0)
    assert done.sides.get().explain == before


@pytest.mark.parametrize(("attempts", "message"), [(3, "went wrong on our side"), (4, "several")])
def test_what_fails_for_good_ends_the_test(alice, shelf, attempts, message):
    test = create(alice, shelf)
    test.sides.update(retrieval_settings={"search_mode": 5, "max_tokens": "many"})

    take(test, attempts=attempts)

    test.refresh_from_db()
    assert test.status == Status.ERROR
    assert message in test.error_message


def test_before_that_it_is_tried_again(alice, shelf):
    test = create(alice, shelf)
    test.sides.update(retrieval_settings={"max_tokens": "many"})

    with pytest.raises(TypeError):
        take(test, attempts=2)

    test.refresh_from_db()
    assert test.status == Status.RUNNING


def take(test: RetrievalTest, *, attempts: int) -> None:
    job = Job(
        id=1,
        queue="chat",
        lock=None,
        queueing_lock=None,
        task_name=retrieval_tasks.test_retrieval.name,
        attempts=attempts,
    )
    context = JobContext(app=app, job=job, start_timestamp=0, abort_reason=lambda: None)
    asyncio.run(retrieval_tasks.test_retrieval.func(context, test.pk))
