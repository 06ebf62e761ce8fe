"""Pages of question sets."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.forms import ConfirmForm
from accounts.models import UseCase
from accounts.pages import PageRequest, within
from accounts.services import require_editor
from config.pages import errors_on, form_response
from evaluation import question_files, question_sets
from evaluation.forms import ImportForm, KeepForm, QuestionForm, SetForm
from evaluation.models import Question, QuestionSet
from tracing.models import Log, LogPayload
from tracing.reading import question_of

_FORM = require_http_methods(["GET", "HEAD", "POST"])
_PAGE = 100


@require_safe
def question_set_list(request: PageRequest, pk: str) -> HttpResponse:
    use_case = get_object_or_404(UseCase.objects.visible_to(request.user), pk=pk)
    sets = use_case.question_sets.select_related("created_by")
    context = {
        **within(request, use_case, tab="evaluate"),
        "sets": sets.annotate(questions_count=Count("questions")),
    }
    return render(request, "evaluation/question_sets.html", context)


@_FORM
def question_set_create(request: PageRequest, pk: str) -> HttpResponse:
    use_case = get_object_or_404(UseCase.objects.visible_to(request.user), pk=pk)
    require_editor(use_case, request.user)
    form = SetForm(request.POST or None)
    if form.is_valid():
        with errors_on(form):
            made = question_sets.create_set(
                use_case, user=request.user, name=form.cleaned_data["name"]
            )
            return redirect("evaluation:question-set-detail", made.pk)
    context = {**within(request, use_case, tab="evaluate"), "cancel_url": ".."}
    return form_response(request, form, title="New question set", submit="Create", context=context)


@require_safe
def question_set_detail(request: PageRequest, pk: str) -> HttpResponse:
    question_set = _set(request, pk)
    pages = Paginator(question_set.questions.all(), _PAGE)
    context = {
        **within(request, question_set.use_case, tab="evaluate"),
        "question_set": question_set,
        "page": pages.get_page(request.GET.get("page")),
        "crumb": question_set.name,
    }
    return render(request, "evaluation/question_set.html", context)


@_FORM
def question_set_rename(request: PageRequest, pk: str) -> HttpResponse:
    question_set = _set(request, pk)
    require_editor(question_set.use_case, request.user)
    form = SetForm(request.POST or None, initial={"name": question_set.name})
    if form.is_valid():
        with errors_on(form):
            question_sets.rename_set(
                question_set, user=request.user, name=form.cleaned_data["name"]
            )
            return redirect("evaluation:question-set-detail", pk)
    context = {**within(request, question_set.use_case, tab="evaluate"), "cancel_url": ".."}
    return form_response(request, form, title="Rename", submit="Save", context=context)


@_FORM
def question_set_delete(request: PageRequest, pk: str) -> HttpResponse:
    question_set = _set(request, pk)
    require_editor(question_set.use_case, request.user)
    if request.method == "POST":
        question_sets.delete_set(question_set, user=request.user)
        messages.success(request, f"“{question_set.name}” was deleted.")
        return redirect("evaluation:question-set-list", question_set.use_case_id)
    context = {
        **within(request, question_set.use_case, tab="evaluate"),
        "note": f"“{question_set.name}” is deleted with all its questions.",
        "is_danger": True,
        "cancel_url": "..",
    }
    return form_response(
        request, ConfirmForm(), title="Delete this set?", submit="Delete", context=context
    )


@_FORM
def question_set_import(request: PageRequest, pk: str) -> HttpResponse:
    """Many questions at once."""
    question_set = _set(request, pk)
    require_editor(question_set.use_case, request.user)
    is_sent = request.method == "POST"
    form = ImportForm(request.POST if is_sent else None, request.FILES if is_sent else None)
    if form.is_valid():
        with errors_on(form):
            given = form.cleaned_data
            new = (
                question_files.of_csv(given["file"])
                if given["file"]
                else question_files.of_lines(given["lines"])
            )
            added = question_sets.add_questions(question_set, user=request.user, questions=new)
            messages.success(request, _told(added))
            return redirect("evaluation:question-set-detail", pk)
    context = {
        **within(request, question_set.use_case, tab="evaluate"),
        "cancel_url": "..",
    }
    return form_response(request, form, title="Add questions", submit="Add", context=context)


@require_safe
def question_set_export(request: PageRequest, pk: str) -> StreamingHttpResponse:
    question_set = _set(request, pk)
    return StreamingHttpResponse(
        question_files.csv_lines(question_set),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="questions-{pk}.csv"'},
    )


@_FORM
def question_create(request: PageRequest, pk: str) -> HttpResponse:
    question_set = _set(request, pk)
    require_editor(question_set.use_case, request.user)
    form = QuestionForm(request.POST or None)
    if form.is_valid():
        with errors_on(form):
            question_sets.add_question(question_set, user=request.user, **form.cleaned_data)
            return redirect("evaluation:question-set-detail", pk)
    context = {**within(request, question_set.use_case, tab="evaluate"), "cancel_url": "../.."}
    return form_response(request, form, title="New question", submit="Add", context=context)


@_FORM
def question_edit(request: PageRequest, pk: str) -> HttpResponse:
    question = _question(request, pk)
    question_set = question.question_set
    require_editor(question_set.use_case, request.user)
    initial = {"text": question.text, "expected_answer": question.expected_answer}
    form = QuestionForm(request.POST or None, initial=initial)
    if form.is_valid():
        with errors_on(form):
            question_sets.change_question(question, user=request.user, **form.cleaned_data)
            return redirect("evaluation:question-set-detail", question_set.pk)
    context = {
        **within(request, question_set.use_case, tab="evaluate"),
        "cancel_url": f"/question-sets/{question_set.pk}/",
    }
    return form_response(request, form, title="Edit question", submit="Save", context=context)


@_FORM
def question_delete(request: PageRequest, pk: str) -> HttpResponse:
    question = _question(request, pk)
    question_set = question.question_set
    require_editor(question_set.use_case, request.user)
    if request.method == "POST":
        question_sets.delete_question(question, user=request.user)
        return redirect("evaluation:question-set-detail", question_set.pk)
    context = {
        **within(request, question_set.use_case, tab="evaluate"),
        "note": f"“{question}” is taken out of {question_set.name}.",
        "is_danger": True,
        "cancel_url": f"/question-sets/{question_set.pk}/",
    }
    return form_response(
        request, ConfirmForm(), title="Delete this question?", submit="Delete", context=context
    )


@_FORM
def log_keep(request: PageRequest, pk: str) -> HttpResponse:
    """Keep a call as a question, with what it answered for the answer that is expected."""
    logs = Log.objects.visible_to(request.user).select_related(
        "use_case", "payload", "file", "blueprint"
    )
    log = get_object_or_404(logs, pk=pk)
    require_editor(log.use_case, request.user)
    form = KeepForm(request.POST or None, use_case=log.use_case, initial=_case_of(log))
    if form.is_valid():
        with errors_on(form):
            given = form.cleaned_data
            kept_in = question_sets.keep_log(
                log,
                user=request.user,
                question_set=given["question_set"],
                name=given["name"],
                text=given["text"],
                expected_answer=given["expected_answer"],
            )
            messages.success(request, f"The question is in “{kept_in.name}” now.")
            return redirect("tracing:log-detail", log.pk)
    context = {
        **within(request, log.use_case, tab="traces"),
        "cancel_url": f"/traces/{log.pk}/",
    }
    return form_response(request, form, title="Add to question set", submit="Add", context=context)


def _case_of(log: Log) -> dict[str, str]:
    payload: LogPayload | None = getattr(log, "payload", None)
    return {"text": question_of(log), "expected_answer": (payload and payload.text) or ""}


def _told(added: question_sets.Added) -> str:
    told = f"{added.count:,} added."
    return f"{told} {added.repeated:,} were there already." if added.repeated else told


def _set(request: PageRequest, pk: str) -> QuestionSet:
    sets = QuestionSet.objects.visible_to(request.user).select_related("use_case")
    return get_object_or_404(sets, pk=pk)


def _question(request: PageRequest, pk: str) -> Question:
    questions = Question.objects.visible_to(request.user).select_related("question_set__use_case")
    return get_object_or_404(questions, pk=pk)
