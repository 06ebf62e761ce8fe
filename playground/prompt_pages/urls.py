"""What `playground.urls` takes in."""

from django.urls import URLPattern, URLResolver, path

from playground.prompt_pages import deployment_views, editor_views, list_views, version_views

_list = [
    path("use-cases/<id:pk>/prompts/", list_views.path_list, name="path-list"),
    path(
        "use-cases/<id:pk>/environments/new/",
        list_views.environment_create,
        name="environment-create",
    ),
    path(
        "use-cases/<id:pk>/traces/export.api.jsonl",
        list_views.log_export_api,
        name="log-export-api",
    ),
    path("environments/<id:pk>/delete/", list_views.environment_delete, name="environment-delete"),
]

_versions = [
    path("blueprints/<id:pk>/", version_views.blueprint_versions, name="blueprint-versions"),
    path("blueprints/<id:pk>/differences/", version_views.blueprint_diff, name="blueprint-diff"),
    path(
        "blueprints/<id:pk>/versions/<id:version_pk>/",
        version_views.blueprint_version,
        name="blueprint-version",
    ),
    path(
        "blueprints/<id:pk>/versions/<id:version_pk>/name/",
        version_views.blueprint_version_name,
        name="blueprint-version-name",
    ),
    path(
        "blueprints/<id:pk>/versions/<id:version_pk>/use/",
        version_views.blueprint_version_use,
        name="blueprint-version-use",
    ),
    path(
        "blueprints/<id:pk>/versions/<id:version_pk>/open/",
        version_views.blueprint_version_open,
        name="blueprint-version-open",
    ),
    path("files/<id:pk>/", version_views.file_versions, name="file-versions"),
]

_editor = [
    path(
        "blueprints/<id:pk>/versions/<id:version_pk>/edit/",
        editor_views.blueprint_editor,
        name="blueprint-editor",
    ),
    path(
        "blueprints/<id:pk>/versions/<id:version_pk>/save/",
        editor_views.blueprint_save,
        name="blueprint-save",
    ),
    path(
        "blueprints/<id:pk>/versions/<id:version_pk>/run/",
        editor_views.blueprint_run,
        name="blueprint-run",
    ),
]

_deployments = [
    path("blueprints/<id:pk>/deploy/", deployment_views.blueprint_deploy, name="blueprint-deploy"),
    path(
        "blueprints/<id:pk>/environments/<id:environment_pk>/roll-back/",
        deployment_views.blueprint_roll_back,
        name="blueprint-roll-back",
    ),
    path(
        "blueprints/<id:pk>/environments/<id:environment_pk>/take-out/",
        deployment_views.blueprint_take_out,
        name="blueprint-take-out",
    ),
    path("files/<id:pk>/deploy/", deployment_views.file_deploy, name="file-deploy"),
    path(
        "files/<id:pk>/environments/<id:environment_pk>/roll-back/",
        deployment_views.file_roll_back,
        name="file-roll-back",
    ),
    path(
        "files/<id:pk>/environments/<id:environment_pk>/take-out/",
        deployment_views.file_take_out,
        name="file-take-out",
    ),
]

urlpatterns: list[URLPattern | URLResolver] = [*_list, *_versions, *_editor, *_deployments]
