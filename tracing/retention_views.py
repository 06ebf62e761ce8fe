"""For how long a use case keeps its logs, as owners say."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from accounts.models import UseCase
from accounts.pages import PageRequest, within
from accounts.services import require_owner
from config.pages import errors_on, form_response
from tracing import retention
from tracing.forms import RetentionForm


@require_http_methods(["GET", "HEAD", "POST"])
def retention_edit(request: PageRequest, pk: str) -> HttpResponse:
    use_case = get_object_or_404(UseCase.objects.visible_to(request.user), pk=pk)
    require_owner(use_case, request.user)
    now = retention.retention_of(use_case)
    initial = {"payload_days": now.payload_days, "log_days": now.log_days} if now else {}
    form = RetentionForm(request.POST or None, initial=initial)
    if form.is_valid():
        with errors_on(form):
            retention.keep_for(use_case, user=request.user, **form.cleaned_data)
            # The page of the use case is above this app: only its address is known here.
            return redirect("playground:use-case-detail", use_case.pk)
    context = {
        **within(request, use_case, tab=""),
        "cancel_url": "..",
        "note": "What is older is deleted once a day, for good.",
    }
    return form_response(
        request, form, title="How long logs are kept", submit="Save", context=context
    )
