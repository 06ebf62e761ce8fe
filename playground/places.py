"""The blueprints of a playground: which stand in it, and in what order."""

from django.db import transaction
from django.db.models import Max

from accounts.models import User
from accounts.services import require_editor
from blueprints import services as blueprint_services
from blueprints.models import Blueprint
from config.errors import InvalidInput
from playground.comparisons import forget_empty_comparisons
from playground.models import Playground, PlaygroundBlueprint


@transaction.atomic
def add_blueprint(
    playground: Playground, *, user: User, blueprint: Blueprint
) -> PlaygroundBlueprint:
    """Put a blueprint of the same use case into the playground; once is enough."""
    require_editor(playground.use_case, user)
    if blueprint.use_case_id != playground.use_case_id:
        raise InvalidInput("The blueprint belongs to another use case.", field="blueprint")
    # The row lock numbers the places of parallel calls one after the other.
    Playground.objects.select_for_update(no_key=True).get(pk=playground.pk)
    last = playground.places.aggregate(last=Max("position"))["last"]
    place, _ = PlaygroundBlueprint.objects.get_or_create(
        playground=playground,
        blueprint=blueprint,
        defaults={
            "position": 0 if last is None else last + 1,
            "is_home": not blueprint.places.filter(is_home=True).exists(),
        },
    )
    return place


@transaction.atomic
def remove_blueprint(playground: Playground, *, user: User, blueprint: Blueprint) -> None:
    """Take a blueprint and its chats out of the playground; from its last one it is deleted."""
    require_editor(playground.use_case, user)
    playground.places.filter(blueprint=blueprint).delete()
    playground.chats.filter(blueprint=blueprint).delete()
    forget_empty_comparisons(playground)
    elsewhere = blueprint.places.first()
    if elsewhere is None:
        blueprint_services.delete_blueprint(blueprint, user=user)
    elif not blueprint.places.filter(is_home=True).exists():
        elsewhere.is_home = True
        elsewhere.save(update_fields=["is_home"])
