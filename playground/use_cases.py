"""Deleting a use case: here, because everything that stands in one is known only at the top."""

from django.db import transaction

from accounts.models import UseCase, User
from accounts.services import require_owner
from playground.services import delete_playground
from vectordb import services as vectordb


@transaction.atomic
def delete_use_case(use_case: UseCase, *, user: User) -> None:
    """Delete it with all that is in it. Datasets that stand in another use case too, or that somebody
    else uploaded, are kept.

    Raises Forbidden for whoever does not own it.
    """
    require_owner(use_case, user)
    for playground in use_case.playgrounds.all():
        delete_playground(playground, user=user)
    for database in use_case.vector_databases.all():
        vectordb.delete_vector_database(database, user=user)
    for dataset in use_case.datasets.all():
        if dataset.created_by == user and dataset.use_cases.count() == 1:
            vectordb.delete_dataset(dataset, user=user)
    use_case.delete()
