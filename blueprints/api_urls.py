from django.urls import path

from blueprints import api, api_prompt_templates

urlpatterns = [
    path("genai/llms/", api.LLMs.as_view()),
    path("genai/promptTemplates/", api_prompt_templates.PromptTemplates.as_view()),
    path(
        "genai/promptTemplates/versions/",
        api_prompt_templates.AllPromptTemplateVersions.as_view(),
    ),
    path(
        "genai/promptTemplates/<id:template_id>/",
        api_prompt_templates.OnePromptTemplate.as_view(),
    ),
    path(
        "genai/promptTemplates/<id:template_id>/versions/",
        api_prompt_templates.PromptTemplateVersions.as_view(),
    ),
    path(
        "genai/promptTemplates/<id:template_id>/versions/<id:version_id>/",
        api_prompt_templates.OnePromptTemplateVersion.as_view(),
    ),
]
