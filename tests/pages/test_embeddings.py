"""The pages where staff add embedding models."""

import pytest
from django.urls import reverse

from config.ids import new_id
from config.status import Status
from tests.llm_server import UNAUTHORIZED
from tests.pages.conftest import HTMX
from vectordb.models import EmbeddingEntry

KEY = "sk-very-secret-embedding-key"
LIST = reverse("vectordb:embedding-list")


@pytest.fixture
def signed_in(client, staff):
    client.force_login(staff)
    return client


def create(client, url, **changes):
    data = {"base_url": url, "api_key": KEY, "model_name": "embedder", "max_tokens": "512"}
    data |= {"batch_size": "32", "name": f"lab/{new_id()}"}
    return client.post(reverse("vectordb:embedding-create-endpoint"), data | changes, follow=True)


def page_of(client, name, *keys, **more):
    return client.get(reverse(f"vectordb:embedding-{name}", args=keys), **more).content.decode()


def test_an_endpoint_is_added_and_its_key_is_never_shown(signed_in, llm_server):
    shown = create(signed_in, llm_server.base_url, query_prefix="query: ").content.decode()

    entry = EmbeddingEntry.objects.get()
    assert entry.query_prefix == "query: "
    assert f"{entry.name} gives 48 dimensions" in shown
    shown += page_of(signed_in, "edit", entry.pk) + page_of(signed_in, "detail", entry.pk)
    assert "512 tokens, estimated" in shown
    assert "One is stored and never shown" in shown
    assert KEY not in shown
    assert entry.encrypted_key not in shown


def test_a_server_that_fails_is_not_added_and_the_form_says_why(signed_in, llm_server):
    llm_server.always = UNAUTHORIZED

    refused = create(signed_in, llm_server.base_url)

    assert refused.status_code == 422
    assert "refuses the API key" in refused.content.decode()
    assert KEY not in refused.content.decode()
    assert not EmbeddingEntry.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"base_url": "nonsense"},
        {"model_name": ""},
        {"max_tokens": "12"},
        {"batch_size": ""},
        {"name": "<b>"},
        {"dimensions": "9999"},
    ],
)
def test_a_broken_form_adds_nothing(signed_in, llm_server, changes):
    assert create(signed_in, llm_server.base_url, **changes).status_code == 422
    assert not EmbeddingEntry.objects.exists()


def test_a_local_model_waits_for_a_worker_and_the_page_follows(signed_in):
    name = new_id()
    url = reverse("vectordb:embedding-create-local")
    page = signed_in.post(url, {"source": name}, follow=True).content.decode()

    entry = EmbeddingEntry.objects.get()
    assert (entry.status, entry.source) == (Status.NEW, name)
    assert "being read by a worker" in page
    assert "every 2s" in page
    EmbeddingEntry.objects.update(status=Status.ERROR, error_message="It is not there.")
    shown = page_of(signed_in, "detail", entry.pk, headers=HTMX)
    assert "It is not there." in shown
    assert "every 2s" not in shown
    signed_in.post(reverse("vectordb:embedding-retry", args=[entry.pk]))
    entry.refresh_from_db()
    assert entry.status == Status.NEW
    assert signed_in.post(url, {"source": ""}).status_code == 422


def test_a_new_address_demands_the_key_again(signed_in, llm_server):
    create(signed_in, llm_server.base_url)
    entry = EmbeddingEntry.objects.get()
    url = reverse("vectordb:embedding-edit", args=[entry.pk])
    data = {"base_url": "http://127.0.0.1:9/v1", "batch_size": "8", "description": "Ours"}

    refused = signed_in.post(url, data)
    unreachable = signed_in.post(url, data | {"api_key": "another"})
    saved = signed_in.post(url, data | {"base_url": llm_server.base_url})

    assert "needs the API key again" in refused.content.decode()
    assert "Nothing answers at 127.0.0.1" in unreachable.content.decode()
    assert (refused.status_code, unreachable.status_code, saved.status_code) == (422, 422, 302)
    entry.refresh_from_db()
    assert (entry.base_url, entry.batch_size) == (llm_server.base_url, 8)
    assert "Ours" in page_of(signed_in, "list")


def test_the_description_of_a_local_one_can_be_changed(signed_in, embedding):
    EmbeddingEntry.objects.update(kind="local", base_url="")
    url = reverse("vectordb:embedding-edit", args=[embedding.pk])

    assert signed_in.post(url, {"description": "New words"}).status_code == 302
    assert "New words" in page_of(signed_in, "list")


def test_the_test_button_says_whether_it_is_right(signed_in, llm_server, embedding):
    create(signed_in, llm_server.base_url)
    good = EmbeddingEntry.objects.exclude(pk=embedding.pk).get()
    answers = [
        signed_in.post(reverse("vectordb:embedding-test", args=[pk]), headers=HTMX)
        for pk in (good.pk, embedding.pk)
    ]
    whole = signed_in.post(reverse("vectordb:embedding-test", args=[embedding.pk]), follow=True)

    assert "vectors of 48 dimensions" in answers[0].content.decode()
    assert "callout bad" in answers[1].content.decode()
    assert "is-error" in whole.content.decode()


def test_it_is_switched_off_and_deleted_unless_a_database_needs_it(signed_in, embedding, world):
    signed_in.post(reverse("vectordb:embedding-switch", args=[embedding.pk]))
    embedding.refresh_from_db()
    assert not embedding.is_active
    delete = reverse("vectordb:embedding-delete", args=[embedding.pk])
    assert delete in page_of(signed_in, "list")
    world.database.embedding_model = embedding.name
    world.database.save()

    assert delete not in page_of(signed_in, "list")
    refused = signed_in.post(delete)
    world.database.delete()
    signed_in.post(delete)

    assert refused.status_code == 409
    assert "1 vector database needs this model" in refused.content.decode()
    assert embedding.name not in page_of(signed_in, "list")
    assert signed_in.get(delete).status_code == 404


def test_the_list_takes_as_many_queries_whatever_its_length(
    signed_in, embedding, django_assert_num_queries
):
    for number in range(5):
        embedding.pk, embedding.name = new_id(), f"another/{number}"
        embedding.save(force_insert=True)

    with django_assert_num_queries(4):  # the session, the user, the models, their usage
        signed_in.get(LIST)


def test_a_database_is_built_with_what_is_offered(signed_in, embedding, world):
    url = reverse("vectordb:vector-database-create", args=[world.use_case.pk, world.dataset.pk])
    page = signed_in.get(url).content.decode()
    assert f'value="{embedding.name}"' in page
    data = {
        "embedding_model": embedding.name,
        "chunking_method": "recursive",
        "chunk_size": "500",
        "chunk_overlap_percentage": "0",
        "separators": '""',
    }

    assert signed_in.post(url, data).status_code == 302
    refused = signed_in.post(url, data | {"chunk_size": "513"})
    EmbeddingEntry.objects.update(is_active=False)
    gone = signed_in.post(url, data)

    assert refused.status_code == 422
    assert gone.status_code == 422
    assert world.use_case.vector_databases.filter(embedding_model=embedding.name).count() == 1
