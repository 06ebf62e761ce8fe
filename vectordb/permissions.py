"""Who may change what."""

from accounts.models import User
from config.errors import Forbidden
from vectordb.models import Dataset


def require_dataset_editor(dataset: Dataset, user: User) -> None:
    if not Dataset.objects.editable_by(user).filter(pk=dataset.pk).exists():
        raise Forbidden("You may look at this dataset but not change it: ask an owner for a role.")
