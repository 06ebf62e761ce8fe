"""`useCases/{id}/` with its end: deleting takes along what only the top of the apps knows."""

from rest_framework.request import Request
from rest_framework.response import Response

from accounts import api
from accounts.models import UseCase
from config.api.openapi import operation
from config.api.views import find
from playground.use_cases import delete_use_case


class OneUseCase(api.OneUseCase):
    @operation("Delete a use case and what is in it", status=204)
    def delete(self, request: Request, use_case_id: str) -> Response:
        use_case = find(UseCase.objects.visible_to(self.user), use_case_id, "Use case")
        delete_use_case(use_case, user=self.user)
        return Response(status=204)
