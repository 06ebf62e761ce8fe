"""What happens here when a new version of a vector database is to take its parent's place."""

import logging

from django.db import transaction

from blueprints.models import Blueprint
from blueprints.settings import SettingsChanges
from config.errors import AppError
from playground import services
from vectordb import versions
from vectordb.models import VectorDatabase

logger = logging.getLogger(__name__)


@versions.register
def move_blueprints(database: VectorDatabase) -> None:
    """The drafts with the parent go over to the version; saved blueprints stay as they were saved."""
    drafts = Blueprint.objects.with_settings().filter(
        use_case=database.use_case_id,
        is_saved=False,
        version__vector_database=database.parent_id,
    )
    changes = SettingsChanges(vector_database_id=database.pk)
    for blueprint in drafts.order_by("pk"):
        try:
            with transaction.atomic():
                services.update_blueprint(blueprint, user=database.created_by, changes=changes)
        except AppError as error:
            # Its LLM is gone, say: that must not undo the version.
            logger.warning("Blueprint %s stays with %s: %s", blueprint.pk, database.parent, error)
