from django.urls import URLPattern, URLResolver, path

from evaluation import question_views as views

app_name = "evaluation"

urlpatterns: list[URLPattern | URLResolver] = [
    path("use-cases/<id:pk>/question-sets/", views.question_set_list, name="question-set-list"),
    path(
        "use-cases/<id:pk>/question-sets/new/",
        views.question_set_create,
        name="question-set-create",
    ),
    path("question-sets/<id:pk>/", views.question_set_detail, name="question-set-detail"),
    path("question-sets/<id:pk>/rename/", views.question_set_rename, name="question-set-rename"),
    path("question-sets/<id:pk>/delete/", views.question_set_delete, name="question-set-delete"),
    path("question-sets/<id:pk>/import/", views.question_set_import, name="question-set-import"),
    path("question-sets/<id:pk>/export/", views.question_set_export, name="question-set-export"),
    path("question-sets/<id:pk>/questions/new/", views.question_create, name="question-create"),
    path("questions/<id:pk>/edit/", views.question_edit, name="question-edit"),
    path("questions/<id:pk>/delete/", views.question_delete, name="question-delete"),
    path("traces/<id:pk>/keep/", views.log_keep, name="log-keep"),
]
