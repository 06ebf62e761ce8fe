from django.urls import URLPattern, URLResolver, path

from tracing import views

app_name = "tracing"

urlpatterns: list[URLPattern | URLResolver] = [
    path("use-cases/<id:pk>/traces/", views.log_list, name="log-list"),
    path("traces/<id:pk>/", views.log_detail, name="log-detail"),
]
