from django.urls import URLPattern, URLResolver, path

from playground import (
    blueprint_views,
    gold_views,
    palette_views,
    prompt_views,
    retrieval_views,
    views,
)
from playground.chat import branch_views, filter_views, history_views
from playground.chat import file_views as chat_file_views
from playground.chat import settings_views as chat_settings_views
from playground.chat import views as chat_views
from playground.compare import answer_views as compare_answer_views
from playground.compare import views as compare_views
from playground.prompt_pages import urls as prompt_pages
from playground.replays import views as replay_views

app_name = "playground"

_use_case = [
    path("use-cases/<id:pk>/", views.use_case_detail, name="use-case-detail"),
    path("use-cases/<id:pk>/delete/", views.use_case_delete, name="use-case-delete"),
    path("use-cases/<id:pk>/chats/", chat_file_views.chat_search, name="chat-search"),
    path("use-cases/<id:pk>/playgrounds/new/", views.playground_create, name="playground-create"),
]

_playground = [
    path("playgrounds/<id:pk>/", chat_views.playground_detail, name="playground-detail"),
    path("playgrounds/<id:pk>/rename/", views.playground_rename, name="playground-rename"),
    path("playgrounds/<id:pk>/delete/", views.playground_delete, name="playground-delete"),
    path("playgrounds/<id:pk>/upload/", views.playground_upload, name="playground-upload"),
    path("playgrounds/<id:pk>/ask/", chat_views.playground_ask, name="playground-ask"),
    path("playgrounds/<id:pk>/chats/new/", chat_settings_views.chat_create, name="chat-create"),
    path(
        "playgrounds/<id:pk>/chats/new/filter/",
        filter_views.chat_filter_new,
        name="chat-filter-new",
    ),
    path(
        "playgrounds/<id:pk>/blueprints/new/",
        blueprint_views.blueprint_create,
        name="blueprint-create",
    ),
    path(
        "playgrounds/<id:pk>/blueprints/<id:blueprint_pk>/edit/",
        blueprint_views.blueprint_edit,
        name="blueprint-edit",
    ),
    path(
        "playgrounds/<id:pk>/blueprints/<id:blueprint_pk>/remove/",
        blueprint_views.blueprint_remove,
        name="blueprint-remove",
    ),
    path(
        "playgrounds/<id:pk>/blueprints/<id:blueprint_pk>/duplicate/",
        blueprint_views.blueprint_duplicate,
        name="blueprint-duplicate",
    ),
    path(
        "playgrounds/<id:pk>/blueprints/<id:blueprint_pk>/star/",
        blueprint_views.blueprint_star,
        name="blueprint-star",
    ),
    path(
        "playgrounds/<id:pk>/blueprints/<id:blueprint_pk>/lock/",
        blueprint_views.blueprint_lock,
        name="blueprint-lock",
    ),
    path(
        "playgrounds/<id:pk>/blueprints/<id:blueprint_pk>/move/",
        blueprint_views.blueprint_move,
        name="blueprint-move",
    ),
    path(
        "playgrounds/<id:pk>/blueprints/<id:blueprint_pk>/pattern/",
        blueprint_views.blueprint_pattern,
        name="blueprint-pattern",
    ),
    path(
        "playgrounds/<id:pk>/blueprints/<id:blueprint_pk>/history/",
        history_views.blueprint_history,
        name="blueprint-history",
    ),
    path(
        "playgrounds/<id:pk>/blueprints/<id:blueprint_pk>/versions/<id:version_pk>/restore/",
        history_views.blueprint_restore,
        name="blueprint-restore",
    ),
]

_chat = [
    path("chats/<id:pk>/", chat_views.chat_detail, name="chat-detail"),
    path("chats/<id:pk>/ask/", chat_views.chat_ask, name="chat-ask"),
    path("chats/<id:pk>/export/", chat_file_views.chat_export, name="chat-export"),
    path("chats/<id:pk>/read/", chat_file_views.chat_read, name="chat-read"),
    path("chats/<id:pk>/share/", chat_file_views.chat_share, name="chat-share"),
    path("chats/<id:pk>/rename/", chat_views.chat_rename, name="chat-rename"),
    path("chats/<id:pk>/delete/", chat_views.chat_delete, name="chat-delete"),
    path("chats/<id:pk>/filter/", filter_views.chat_filter, name="chat-filter"),
    path(
        "chats/<id:pk>/filter/remove/", filter_views.chat_filter_remove, name="chat-filter-remove"
    ),
    path("chats/<id:pk>/settings/", chat_settings_views.chat_settings, name="chat-settings"),
    path(
        "chats/<id:pk>/settings/reset/",
        chat_settings_views.chat_settings_reset,
        name="chat-settings-reset",
    ),
    path(
        "chats/<id:pk>/settings/save/",
        chat_settings_views.chat_settings_save,
        name="chat-settings-save",
    ),
    path(
        "chats/<id:pk>/settings/copy/",
        chat_settings_views.chat_settings_copy,
        name="chat-settings-copy",
    ),
]

_prompt = [
    path("prompts/<id:pk>/", prompt_views.prompt_detail, name="prompt-detail"),
    path("prompts/<id:pk>/growing/", prompt_views.prompt_growing, name="prompt-growing"),
    path("prompts/<id:pk>/stop/", prompt_views.prompt_stop, name="prompt-stop"),
    path("prompts/<id:pk>/retry/", prompt_views.prompt_retry, name="prompt-retry"),
    path("prompts/<id:pk>/edit/", branch_views.prompt_edit, name="prompt-edit"),
    path("prompts/<id:pk>/branch/", branch_views.prompt_branch, name="prompt-branch"),
    path(
        "prompts/<id:pk>/use-settings/",
        branch_views.prompt_use_settings,
        name="prompt-use-settings",
    ),
    path("prompts/<id:pk>/regenerate/", branch_views.prompt_regenerate, name="prompt-regenerate"),
    path("prompts/<id:pk>/replay/", replay_views.prompt_replay, name="prompt-replay"),
    path("replays/<id:pk>/", replay_views.replay_detail, name="replay-detail"),
    path("replays/<id:pk>/stop/", replay_views.replay_stop, name="replay-stop"),
    path("prompts/<id:pk>/delete/", prompt_views.prompt_delete, name="prompt-delete"),
    path("prompts/<id:pk>/feedback/", prompt_views.prompt_feedback, name="prompt-feedback"),
    path(
        "prompts/<id:pk>/sources/<int:number>/",
        prompt_views.citation_detail,
        name="citation-detail",
    ),
    path(
        "prompts/<id:pk>/sources/<int:number>/relevance/",
        prompt_views.citation_relevance,
        name="citation-relevance",
    ),
]

_compare = [
    path("playgrounds/<id:pk>/compare/", compare_views.compare_home, name="compare-home"),
    path("playgrounds/<id:pk>/compare/ask/", compare_views.compare_ask, name="compare-ask"),
    path("comparisons/<id:pk>/", compare_views.comparison_detail, name="comparison-detail"),
    path("comparisons/<id:pk>/state/", compare_views.comparison_state, name="comparison-state"),
    path("comparisons/<id:pk>/ask/", compare_views.comparison_ask, name="comparison-ask"),
    path("comparisons/<id:pk>/choose/", compare_views.comparison_choose, name="comparison-choose"),
    path("comparisons/<id:pk>/blind/", compare_views.comparison_blind, name="comparison-blind"),
    path("comparisons/<id:pk>/stop/", compare_views.comparison_stop, name="comparison-stop"),
    path("comparisons/<id:pk>/rename/", compare_views.comparison_rename, name="comparison-rename"),
    path("comparisons/<id:pk>/delete/", compare_views.comparison_delete, name="comparison-delete"),
    path("compared/<id:pk>/", compare_answer_views.compared_detail, name="compared-detail"),
    path("compared/<id:pk>/prefer/", compare_answer_views.compared_prefer, name="compared-prefer"),
    path("compared/<id:pk>/delete/", compare_answer_views.compared_delete, name="compared-delete"),
    path(
        "compared/<id:pk>/differences/",
        compare_answer_views.compared_differences,
        name="compared-differences",
    ),
    path("results/<id:pk>/growing/", compare_answer_views.result_growing, name="result-growing"),
    path("results/<id:pk>/stop/", compare_answer_views.result_stop, name="result-stop"),
    path("results/<id:pk>/retry/", compare_answer_views.result_retry, name="result-retry"),
    path("results/<id:pk>/feedback/", compare_answer_views.result_feedback, name="result-feedback"),
    path("results/<id:pk>/sources/", compare_answer_views.result_sources, name="result-sources"),
    path(
        "results/<id:pk>/sources/<int:number>/",
        compare_answer_views.result_citation,
        name="result-citation",
    ),
]

_gold = [
    path("vector-databases/<id:pk>/gold/", gold_views.gold_detail, name="gold-detail"),
    path("vector-databases/<id:pk>/gold/figures/", gold_views.gold_figures, name="gold-figures"),
    path("vector-databases/<id:pk>/gold/measure/", gold_views.gold_measure, name="gold-measure"),
    path("vector-databases/<id:pk>/use/", gold_views.version_use, name="version-use"),
    path(
        "gold-questions/<id:pk>/delete/",
        gold_views.gold_question_delete,
        name="gold-question-delete",
    ),
]

_retrieval = [
    path(
        "vector-databases/<id:pk>/retrieval/",
        retrieval_views.vector_database_retrieval,
        name="vector-database-retrieval",
    ),
    path(
        "retrieval-tests/<id:pk>/",
        retrieval_views.retrieval_test_detail,
        name="retrieval-test-detail",
    ),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("first-steps/", views.first_steps_shown, name="first-steps-shown"),
    path("palette/", palette_views.palette, name="palette"),
    *_use_case,
    *_playground,
    *_chat,
    *_prompt,
    *_compare,
    *_gold,
    *_retrieval,
    *prompt_pages.urlpatterns,
]
