"""Gold questions: what people said of passages, what blueprints and versions are worth by it, and
which version is used."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.forms import ConfirmForm
from accounts.pages import PageRequest, within
from blueprints.models import Blueprint
from config.pages import form_response
from config.status import UNFINISHED
from playground import database_versions, services
from playground.gold import labelled_questions
from playground.gold_figures import Figures, figures_by_blueprint, figures_by_version
from playground.models import GoldMeasurement, GoldQuestion
from vectordb.models import VectorDatabase
from vectordb.page_lookups import visible_database

_FORM = require_http_methods(["GET", "HEAD", "POST"])


@dataclass(frozen=True, slots=True)
class BlueprintRow:
    blueprint: Blueprint
    figures: Figures


@dataclass(frozen=True, slots=True)
class VersionRow:
    database: VectorDatabase
    figures: Figures | None
    measurement: GoldMeasurement | None
    blueprints_count: int
    can_be_used: bool  # some blueprint uses another version

    @property
    def is_measuring(self) -> bool:
        return self.measurement is not None and self.measurement.status in UNFINISHED


@require_safe
def gold_detail(request: PageRequest, pk: str) -> HttpResponse:
    database = visible_database(request, pk)
    context = {
        **within(request, database.use_case, tab="sources"),
        **_figures(database),
        "database": database,
        "crumb": database.name,
        "questions": labelled_questions(database),
    }
    return render(request, "playground/gold.html", context)


@require_safe
def gold_figures(request: PageRequest, pk: str) -> HttpResponse:
    """The tables, for the page's script."""
    database = visible_database(request, pk)
    context = {
        **within(request, database.use_case, tab="sources"),
        **_figures(database),
        "database": database,
    }
    return render(request, "playground/_gold_figures.html", context)


@require_POST
def gold_measure(request: PageRequest, pk: str) -> HttpResponse:
    """Put the gold questions to this version."""
    database = visible_database(request, pk)
    database_versions.measure_again(database, user=request.user)
    return _back(request, database)


@require_POST
def version_use(request: PageRequest, pk: str) -> HttpResponse:
    database = visible_database(request, pk)
    stay = database_versions.use_version(database, user=request.user)
    for name in stay:
        messages.warning(
            request,
            f"“{name}” keeps the version it had: its settings cannot be saved as they are.",
        )
    return _back(request, database)


@_FORM
def gold_question_delete(request: PageRequest, pk: str) -> HttpResponse:
    questions = GoldQuestion.objects.visible_to(request.user).select_related("use_case")
    question = get_object_or_404(questions, pk=pk)
    newest = question.use_case.vector_databases.filter(family_id=question.family_id).first()
    back = f"/vector-databases/{newest.pk}/gold/" if newest else "/"
    if request.method == "POST":
        services.delete_gold_question(question, user=request.user)
        return redirect(back)
    context = {
        **within(request, question.use_case, tab="sources"),
        "note": f"What everybody said of the passages for “{question}” is deleted.",
        "is_danger": True,
        "cancel_url": back,
    }
    return form_response(
        request, ConfirmForm(), title="Delete this gold question?", submit="Delete", context=context
    )


def _figures(database: VectorDatabase) -> dict[str, Any]:
    by_version = figures_by_version(database)
    by_blueprint = figures_by_blueprint(database)
    used = database_versions.users_of_family(database)
    family = VectorDatabase.objects.filter(
        use_case=database.use_case_id, family_id=database.family_id
    )
    measurements = GoldMeasurement.objects.filter(vector_database__in=family).in_bulk(
        field_name="vector_database_id"
    )
    blueprints = Blueprint.objects.filter(pk__in=by_blueprint).order_by("name", "pk")
    return {
        "versions": [
            VersionRow(
                one,
                figures=by_version.get(one.pk),
                measurement=measurements.get(one.pk),
                blueprints_count=used.get(one.pk, 0),
                can_be_used=any(pk != one.pk for pk in used),
            )
            for one in family.order_by("-version")
        ],
        "blueprints": [BlueprintRow(one, by_blueprint[one.pk]) for one in blueprints],
    }


def _back(request: PageRequest, database: VectorDatabase) -> HttpResponse:
    return redirect("playground:gold-detail", database.pk)
