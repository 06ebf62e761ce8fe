"""How much of the queue retrieval tests may take."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from config.errors import Conflict
from config.status import Status
from playground import services
from playground.models import RetrievalTest
from playground.retrieval_tests import MOST_UNFINISHED
from tests.playground.test_retrieval_tests import QUESTION, create, row
from vectordb.models import VectorDatabase

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shelf(alice, use_case) -> VectorDatabase:
    return row(alice, use_case)


def test_nobody_fills_the_queue_with_tests(alice, vera, use_case, shelf):
    tests = [create(vera, row(alice, use_case), text="x" * 8_000) for _ in range(MOST_UNFINISHED)]

    with pytest.raises(Conflict, match="not done yet"):
        create(vera, shelf)

    assert RetrievalTest.objects.count() == ProcrastinateJob.objects.count() == MOST_UNFINISHED
    create(alice, shelf)
    RetrievalTest.objects.filter(pk=tests[0].pk).update(status=Status.ERROR)
    create(vera, shelf)
    assert RetrievalTest.objects.count() == MOST_UNFINISHED + 2


def test_tests_at_one_moment_count_each_other(vera, shelf):
    begin = threading.Barrier(MOST_UNFINISHED + 2)

    def make(_: int) -> bool:
        try:
            begin.wait()
            return bool(create(vera, shelf))
        except Conflict:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(begin.parties) as threads:
        made = list(threads.map(make, range(begin.parties)))

    assert made.count(True) == RetrievalTest.objects.count() == MOST_UNFINISHED


def test_questions_in_chats_come_before_tests(alice, shelf, chat):
    create(alice, shelf)
    services.ask(user=alice, chat=chat, text=QUESTION)

    jobs = ProcrastinateJob.objects.order_by("-priority")
    assert [job.task_name for job in jobs] == ["answer_prompt", "playground.test_retrieval"]
    assert jobs[0].priority > jobs[1].priority
