"""A search whose worker is killed in its middle is done again, and its page hears of the end."""

import psycopg

from config.postgres import embedded_url
from tests.visitors import Browser, Watcher, wait_for


def test_a_retrieval_test_survives_the_worker(stack):
    dataset = stack.alice.upload({"lamps.md": b"# Lamps\n\nThe lamps burn rapeseed oil.\n"})
    database = stack.alice.make(
        "genai/vectorDatabases/", datasetId=dataset, useCaseId=stack.use_case
    )["id"]
    stack.nothing_is_left()
    browser = Browser(stack.running, stack.running.email)

    def status() -> str:
        [(found,)] = stack.sql("SELECT status FROM playground_retrievaltest")
        return str(found)

    with Watcher(stack.vera, f"vector_database={database}") as watcher:
        with psycopg.connect(embedded_url(stack.running.data / "postgres")) as link:
            # The search waits for this lock when the worker is killed.
            link.execute("LOCK TABLE vectordb_chunk IN ACCESS EXCLUSIVE MODE")
            assert browser.post(f"/vector-databases/{database}/retrieval/", text="Oil?") == 200
            wait_for(lambda: status() == "RUNNING", "the middle of the search")
            stack.process("worker").kill()
        wait_for(lambda: status() == "COMPLETED", "the end of the search")
        [(test, passages)] = stack.sql(
            "SELECT test_id, jsonb_array_length(passages) FROM playground_retrievalside"
        )
        assert passages == 1
        wait_for(lambda: ("tested", {"test": test}) in watcher.events, "word of its end")
    assert stack.alice.send("DELETE", f"/api/v2/genai/vectorDatabases/{database}/").status == 204
