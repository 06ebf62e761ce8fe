"""The blueprints of a playground: which stand in it, and in what order."""

from django.db import transaction
from django.db.models import Max

from accounts.models import User
from accounts.services import require_editor
from blueprints import services as blueprint_services
from blueprints.models import Blueprint
from config.errors import InvalidInput, NotFound
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
    _hold(playground)
    last = playground.places.aggregate(position=Max("position"), number=Max("number"))
    place, _ = PlaygroundBlueprint.objects.get_or_create(
        playground=playground,
        blueprint=blueprint,
        defaults={
            "position": _after(last["position"]),
            "number": _after(last["number"]),
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


@transaction.atomic
def move_blueprint(playground: Playground, *, user: User, blueprint: Blueprint, to: int) -> int:
    """Give the blueprint the place `to`, from 0, in the list that everybody sees; as near to it as it
    may come, since starred ones stand before the others. Gives the place that it has got."""
    require_editor(playground.use_case, user)
    _hold(playground)
    places = list(playground.places.select_related("blueprint"))
    moved = next((place for place in places if place.blueprint_id == blueprint.pk), None)
    if moved is None:
        raise NotFound("The blueprint is not in this playground (any more).")
    places.remove(moved)
    starred = sum(place.blueprint.is_starred for place in places)
    first, last = (0, starred) if moved.blueprint.is_starred else (starred, len(places))
    index = min(max(to, first), last)
    places.insert(index, moved)
    for position, place in enumerate(places):
        place.position = position
    PlaygroundBlueprint.objects.bulk_update(places, ["position"])
    return index


def set_pattern(playground: Playground, *, user: User, blueprint: Blueprint | None) -> None:
    """From now on, new blueprints of the playground begin with the settings of this one; None: with
    those that work everywhere."""
    require_editor(playground.use_case, user)
    playground.pattern = blueprint
    playground.save(update_fields=["pattern"])


def pattern_of(playground: Playground) -> Blueprint | None:
    """As long as it stands in the playground."""
    places = playground.places.filter(blueprint=playground.pattern_id or "")
    place = places.select_related("blueprint__version").first()
    return place.blueprint if place else None


def _hold(playground: Playground) -> None:
    """Parallel calls number the places one after the other."""
    Playground.objects.select_for_update(no_key=True).get(pk=playground.pk)


def _after(last: int | None) -> int:
    return 0 if last is None else last + 1
