from blueprints.models.blueprints import Blueprint, BlueprintVersion, PromptType
from blueprints.models.environments import (
    PRODUCTION,
    STAGING,
    Deployment,
    DeploymentChange,
    Environment,
)
from blueprints.models.files import LONGEST_PATH, Directory, File, FileKind, FileVersion
from blueprints.models.llms import LLM, EndpointSource, LLMEndpoint, Provider
from blueprints.models.prompt_templates import PromptTemplate, PromptTemplateVersion

__all__ = [
    "LLM",
    "LONGEST_PATH",
    "PRODUCTION",
    "STAGING",
    "Blueprint",
    "BlueprintVersion",
    "Deployment",
    "DeploymentChange",
    "Directory",
    "EndpointSource",
    "Environment",
    "File",
    "FileKind",
    "FileVersion",
    "LLMEndpoint",
    "PromptTemplate",
    "PromptTemplateVersion",
    "PromptType",
    "Provider",
]
