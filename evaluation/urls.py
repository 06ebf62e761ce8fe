from django.urls import URLPattern, URLResolver, path

from evaluation import question_views as views
from evaluation.grid import cell_views
from evaluation.grid import views as grid_views

app_name = "evaluation"

_grid = [
    path("playgrounds/<id:pk>/grid/", grid_views.grid_home, name="grid-home"),
    path("playgrounds/<id:pk>/grid/begin/", grid_views.grid_begin, name="grid-begin"),
    path("grids/<id:pk>/", grid_views.grid_detail, name="grid-detail"),
    path("grids/<id:pk>/rows/", grid_views.grid_rows, name="grid-rows"),
    path("grids/<id:pk>/state/", grid_views.grid_state, name="grid-state"),
    path("grids/<id:pk>/stop/", grid_views.grid_stop, name="grid-stop"),
    path("grids/<id:pk>/again/", grid_views.grid_again, name="grid-again"),
    path("grids/<id:pk>/rename/", grid_views.grid_rename, name="grid-rename"),
    path("grids/<id:pk>/delete/", grid_views.grid_delete, name="grid-delete"),
    path("grids/<id:pk>/export/", grid_views.grid_export, name="grid-export"),
    path("cells/<id:pk>/", cell_views.cell_detail, name="cell-detail"),
    path("cells/<id:pk>/retry/", cell_views.cell_retry, name="cell-retry"),
    path("cells/<id:pk>/compare/", cell_views.cell_compare, name="cell-compare"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    *_grid,
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
