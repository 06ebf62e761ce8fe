from django.urls import path

from accounts import api

urlpatterns = [path("useCases/", api.UseCases.as_view())]
