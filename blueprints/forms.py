"""The settings of an answer as a form: in a chat's panel, and where blueprints are made."""

from dataclasses import replace
from typing import Any

from django import forms
from django.conf import settings as django_settings

from accounts.models import UseCase
from blueprints.llm_settings import (
    LONGEST_PROMPT,
    TEMPERATURE_RANGE,
    TOP_P_RANGE,
    LLMSettings,
)
from blueprints.models import LLM, PromptType
from blueprints.setting_tips import TIPS
from blueprints.settings import AnswerSettings, SettingsChanges
from blueprints.templates import variables
from config.status import Status
from vectordb.models import VectorDatabase
from vectordb.retrieval_settings import (
    DOCUMENTS_RANGE,
    SIMILARITY_RANGE,
    TOKENS_RANGE,
    TRADE_OFF_RANGE,
    RetrievalMode,
    RetrievalSettings,
    Retriever,
    SearchMode,
)

_LONGEST_ANSWER = 16_384
# How the form tells of retrieval: what may be left open or is on or off, and what is one of several.
_OPEN_OR_SET = (
    *("max_documents_retrieved_per_prompt", "max_tokens", "similarity_threshold"),
    *("add_neighbor_chunks", "rerank"),
)
_CHOSEN = ("search_mode", "retriever", "retrieval_mode")
_TRADE_OFF = "maximal_marginal_relevance_lambda"
_DEFAULT_TRADE_OFF = RetrievalSettings().maximal_marginal_relevance_lambda


def _number(field: type[forms.Field], label: str, bounds: tuple[float, float], **more: Any) -> Any:
    """A number that may be left open; a slider follows it where scripts run."""
    low, high = bounds
    attrs = {"class": "num-in", "placeholder": more.pop("placeholder", "default")}
    if more.pop("is_log", False):
        attrs["data-log"] = ""
    step = more.pop("step", 1)
    return field(  # type: ignore[call-arg]
        label=label,
        required=False,
        min_value=low,
        max_value=high,
        widget=forms.NumberInput(attrs={**attrs, "step": step}),
        **more,
    )


class SettingsForm(forms.Form):
    """Bound to a use case, whose vector databases can be chosen."""

    # Where its fields tell how they differ from what was saved.
    shows_changes = False

    llm_id = forms.ChoiceField(label="LLM")
    system_prompt = forms.CharField(
        required=False,
        strip=False,
        max_length=LONGEST_PROMPT,
        widget=forms.Textarea(
            attrs={
                "rows": 4,
                "placeholder": "The built-in one: answer from the sources, cite them.",
            }
        ),
    )
    temperature = _number(forms.FloatField, "Temperature", TEMPERATURE_RANGE, step=0.1)
    top_p = _number(forms.FloatField, "Top P", TOP_P_RANGE, step=0.05)
    max_completion_length = _number(
        forms.IntegerField, "Longest answer", (1, _LONGEST_ANSWER), is_log=True
    )
    prompt_type = forms.BooleanField(required=False, label="Send earlier turns of the chat along")
    vector_database_id = forms.ChoiceField(label="Vector database", required=False)
    max_documents_retrieved_per_prompt = _number(
        forms.IntegerField, "Chunks per prompt", DOCUMENTS_RANGE, placeholder="4"
    )
    max_tokens = _number(
        forms.IntegerField, "Token cap", TOKENS_RANGE, is_log=True, placeholder="context"
    )
    retriever = forms.ChoiceField(label="Question", choices=Retriever.choices, required=False)
    search_mode = forms.ChoiceField(label="Search", choices=SearchMode.choices, required=False)
    # Together: static/css/chat.css shows the second where the first asks for it.
    retrieval_mode = forms.ChoiceField(
        label="Choose by",
        choices=RetrievalMode.choices,
        required=False,
    )
    maximal_marginal_relevance_lambda = _number(
        forms.FloatField,
        "Relevance (λ)",
        TRADE_OFF_RANGE,
        step=0.05,
        placeholder=f"{_DEFAULT_TRADE_OFF:g}",
    )
    similarity_threshold = _number(
        forms.FloatField, "Least similarity", SIMILARITY_RANGE, step=0.05, placeholder="any"
    )
    rerank = forms.BooleanField(required=False, label="Rerank with the cross encoder")
    add_neighbor_chunks = forms.BooleanField(
        required=False,
        label="Add neighbour chunks (i−1, i, i+1)",  # noqa: RUF001 - a minus
    )

    def __init__(
        self,
        *args: Any,
        use_case: UseCase,
        settings: AnswerSettings,
        **kwargs: Any,
    ) -> None:
        self.settings = settings
        kwargs["initial"] = initial_values(settings) | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        self.fields["llm_id"].choices = _llm_choices(settings)  # type: ignore[attr-defined]
        choices = _database_choices(use_case, settings)
        self.fields["vector_database_id"].choices = choices  # type: ignore[attr-defined]
        for name, field in self.fields.items():
            field.tip = TIPS.get(name, "")  # type: ignore[attr-defined]
        # One that was taken away can still be switched off.
        if not (django_settings.RERANKER or settings.retrieval_settings.rerank):
            del self.fields["rerank"]

    @property
    def prompt_variables(self) -> list[str]:
        """Those of the system prompt as it is written now, then those of the further messages."""
        text = self["system_prompt"].value() or ""
        found = variables(text, self.settings.prompt.template_language)
        return list(dict.fromkeys([*found, *self.further_variables]))

    @property
    def further_variables(self) -> list[str]:
        prompt = self.settings.prompt
        return variables(prompt.template, prompt.template_language)

    def answer_settings(self) -> AnswerSettings:
        """What the form says; settings that it does not show are kept. Raises InvalidInput."""
        data = self.cleaned_data
        return replace(
            self.settings,
            llm_id=data["llm_id"],
            llm_settings=LLMSettings(
                system_prompt=data["system_prompt"].replace("\r\n", "\n") or None,
                temperature=data["temperature"],
                top_p=data["top_p"],
                max_completion_length=data["max_completion_length"],
            ),
            vector_database_id=data["vector_database_id"] or None,
            retrieval_settings=self._retrieval_settings(),
            prompt_type=(
                PromptType.CHAT_HISTORY_AWARE if data["prompt_type"] else PromptType.ONE_TIME_PROMPT
            ),
        )

    def _retrieval_settings(self) -> RetrievalSettings:
        data = self.cleaned_data
        kept = self.settings.retrieval_settings.to_json()
        given = {name: data[name] for name in _OPEN_OR_SET if name in data}
        given |= {name: data[name] for name in _CHOSEN if data[name]}
        # Left empty, the field shows the default.
        trade_off = data[_TRADE_OFF]
        given[_TRADE_OFF] = _DEFAULT_TRADE_OFF if trade_off is None else trade_off
        return RetrievalSettings.from_json(kept | given)

    def changes(self) -> SettingsChanges:
        """How the form differs from the settings that it was filled with. Raises InvalidInput."""
        new = self.answer_settings()
        names = (
            "llm_id",
            "llm_settings",
            "vector_database_id",
            "retrieval_settings",
            "prompt_type",
        )
        values = {name: getattr(new, name) for name in names}
        return SettingsChanges(
            **{key: value for key, value in values.items() if value != getattr(self.settings, key)}
        )


class BlueprintForm(SettingsForm):
    name = forms.CharField(max_length=200)
    description = forms.CharField(
        required=False, max_length=2_000, widget=forms.Textarea(attrs={"rows": 2})
    )
    field_order = ["name", "description"]


class EndpointForm(forms.Form):
    name = forms.CharField(max_length=100)
    base_url = forms.URLField(
        label="Base URL",
        max_length=500,
        assume_scheme="https",
        help_text="Of an OpenAI-compatible API, such as http://127.0.0.1:11434/v1",
    )
    api_key = forms.CharField(
        label="API key",
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, has_key: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["api_key"].help_text = (
            "One is stored and never shown. Leave empty to keep it; a new URL needs it again."
            if has_key
            else "Stored encrypted and never shown. Leave empty where none is needed."
        )


def initial_values(settings: AnswerSettings) -> dict[str, Any]:
    return {
        "llm_id": settings.llm_id,
        "vector_database_id": settings.vector_database_id or "",
        "prompt_type": settings.prompt_type == PromptType.CHAT_HISTORY_AWARE,
        **settings.llm_settings.to_json(),
        **settings.retrieval_settings.to_json(),
    }


def _llm_choices(settings: AnswerSettings) -> list[tuple[str, str]]:
    """The usable ones; one that is chosen and gone stays in the list, so that it is seen."""
    choices = list(LLM.objects.usable().values_list("id", "label"))
    if settings.llm_id and settings.llm_id not in dict(choices):
        choices.append((settings.llm_id, f"{settings.llm_id} (not available)"))
    return choices


def _database_choices(use_case: UseCase, settings: AnswerSettings) -> list[tuple[str, str]]:
    databases = VectorDatabase.objects.filter(use_case=use_case)
    choices = [("", "None: answer without sources")]
    for database in databases:
        state = f"{database.chunks_count:,} chunks"
        if database.status != Status.COMPLETED:
            state = database.get_status_display()
        choices.append((database.pk, f"{database.name} · {state}"))
    chosen = settings.vector_database_id
    if chosen and chosen not in dict(choices):
        choices.append((chosen, "A database that was deleted"))
    return choices


class ModelForm(forms.Form):
    """A model that the endpoint does not list by itself."""

    model_name = forms.CharField(max_length=200)
    context_size = forms.IntegerField(required=False, min_value=1, label="Context size, in tokens")


class LLMForm(forms.Form):
    """What staff know better than the endpoint. Empty: asked of the price list, or unknown."""

    label = forms.CharField(max_length=150)
    context_size = forms.IntegerField(required=False, min_value=1, label="Context size, in tokens")
    input_price = forms.DecimalField(
        required=False, min_value=0, label="US dollars per million tokens read"
    )
    output_price = forms.DecimalField(
        required=False, min_value=0, label="US dollars per million tokens written"
    )
    is_active = forms.BooleanField(required=False, label="Can be chosen in blueprints")
