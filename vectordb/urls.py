from django.urls import URLPattern, URLResolver, path

from vectordb import (
    chunk_views,
    database_views,
    embedding_views,
    lab_views,
    source_views,
    views,
)

app_name = "vectordb"

urlpatterns: list[URLPattern | URLResolver] = [
    path("use-cases/<id:pk>/sources/", views.source_list, name="source-list"),
    path("use-cases/<id:pk>/datasets/new/", views.dataset_create, name="dataset-create"),
    path(
        "use-cases/<id:pk>/datasets/<id:dataset_pk>/build/",
        database_views.vector_database_create,
        name="vector-database-create",
    ),
    path("datasets/<id:pk>/", views.dataset_detail, name="dataset-detail"),
    path("datasets/<id:pk>/upload/", views.document_upload, name="document-upload"),
    path("datasets/<id:pk>/rename/", views.dataset_rename, name="dataset-rename"),
    path("datasets/<id:pk>/delete/", views.dataset_delete, name="dataset-delete"),
    path("datasets/<id:pk>/lab/", lab_views.lab, name="dataset-lab"),
    path("datasets/<id:pk>/lab/<id:trial_pk>/", lab_views.trial, name="dataset-trial"),
    path("documents/<id:pk>/delete/", views.document_delete, name="document-delete"),
    path("documents/<id:pk>/replace/", views.document_replace, name="document-replace"),
    path("documents/<id:pk>/file/", views.document_file, name="document-file"),
    path(
        "documents/<id:pk>/pages/<int:page>.png", source_views.document_page, name="document-page"
    ),
    path(
        "vector-databases/<id:pk>/chunks/<int:chunk_id>/",
        source_views.chunk_detail,
        name="vector-database-chunk",
    ),
    path(
        "vector-databases/<id:pk>/chunks/<int:chunk_id>/places/",
        source_views.chunk_places,
        name="vector-database-chunk-places",
    ),
    path(
        "vector-databases/<id:pk>/documents/<int:number>/chunks/",
        chunk_views.chunk_list,
        name="chunk-list",
    ),
    path(
        "vector-databases/<id:pk>/documents/<int:number>/chunks/new/",
        chunk_views.chunk_create,
        name="chunk-create",
    ),
    path(
        "vector-databases/<id:pk>/chunks/<int:chunk_id>/edit/",
        chunk_views.chunk_edit,
        name="chunk-edit",
    ),
    path(
        "vector-databases/<id:pk>/chunks/<int:chunk_id>/switch/",
        chunk_views.chunk_switch,
        name="chunk-switch",
    ),
    path(
        "vector-databases/<id:pk>/chunks/<int:chunk_id>/restore/",
        chunk_views.chunk_restore,
        name="chunk-restore",
    ),
    path(
        "vector-databases/<id:pk>/chunks/<int:chunk_id>/delete/",
        chunk_views.chunk_delete,
        name="chunk-delete",
    ),
    path(
        "vector-databases/<id:pk>/",
        database_views.vector_database_detail,
        name="vector-database-detail",
    ),
    path(
        "vector-databases/<id:pk>/progress/",
        database_views.vector_database_progress,
        name="vector-database-progress",
    ),
    path(
        "vector-databases/<id:pk>/cancel/",
        database_views.vector_database_cancel,
        name="vector-database-cancel",
    ),
    path(
        "vector-databases/<id:pk>/retry/",
        database_views.vector_database_retry,
        name="vector-database-retry",
    ),
    path(
        "vector-databases/<id:pk>/bring-in/",
        database_views.vector_database_bring_in,
        name="vector-database-bring-in",
    ),
    path(
        "vector-databases/<id:pk>/rebuild/",
        database_views.vector_database_rebuild,
        name="vector-database-rebuild",
    ),
    path(
        "vector-databases/<id:pk>/rename/",
        database_views.vector_database_rename,
        name="vector-database-rename",
    ),
    path(
        "vector-databases/<id:pk>/delete/",
        database_views.vector_database_delete,
        name="vector-database-delete",
    ),
    path("embedding-models/", embedding_views.embedding_list, name="embedding-list"),
    path(
        "embedding-models/new-local/",
        embedding_views.embedding_create_local,
        name="embedding-create-local",
    ),
    path(
        "embedding-models/new-endpoint/",
        embedding_views.embedding_create_endpoint,
        name="embedding-create-endpoint",
    ),
    path("embedding-models/<id:pk>/", embedding_views.embedding_detail, name="embedding-detail"),
    path("embedding-models/<id:pk>/edit/", embedding_views.embedding_edit, name="embedding-edit"),
    path("embedding-models/<id:pk>/test/", embedding_views.embedding_test, name="embedding-test"),
    path(
        "embedding-models/<id:pk>/retry/", embedding_views.embedding_retry, name="embedding-retry"
    ),
    path(
        "embedding-models/<id:pk>/switch/",
        embedding_views.embedding_switch,
        name="embedding-switch",
    ),
    path(
        "embedding-models/<id:pk>/delete/",
        embedding_views.embedding_delete,
        name="embedding-delete",
    ),
]
