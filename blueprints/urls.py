from django.urls import URLPattern, URLResolver, path

from blueprints import views

app_name = "blueprints"

urlpatterns: list[URLPattern | URLResolver] = [
    path("llms/", views.endpoint_list, name="endpoint-list"),
    path("llms/endpoints/new/", views.endpoint_create, name="endpoint-create"),
    path("llms/endpoints/<id:pk>/edit/", views.endpoint_edit, name="endpoint-edit"),
    path("llms/endpoints/<id:pk>/test/", views.endpoint_test, name="endpoint-test"),
    path("llms/endpoints/<id:pk>/sync/", views.endpoint_sync, name="endpoint-sync"),
    path("llms/endpoints/<id:pk>/switch/", views.endpoint_switch, name="endpoint-switch"),
    path("llms/endpoints/<id:pk>/delete/", views.endpoint_delete, name="endpoint-delete"),
    path("llms/endpoints/<id:pk>/models/new/", views.llm_create, name="llm-create"),
    path("llms/models/<path:pk>/edit/", views.llm_edit, name="llm-edit"),
]
