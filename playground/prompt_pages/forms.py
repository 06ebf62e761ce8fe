"""The prompt editor's form."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django import forms
from django.http import QueryDict
from rest_framework.exceptions import ValidationError

from accounts.models import UseCase
from blueprints.forms import SettingsForm
from blueprints.kernel import filled_function, split_template
from blueprints.llm_names import provider_of
from blueprints.models import LLM
from blueprints.prompt_details import JSON, PromptDetails
from blueprints.settings import AnswerSettings
from blueprints.templates import variables
from config.errors import InvalidInput
from playground.prompt_pages.contents import pretty
from playground.prompt_pages.json_in import first_problem, read_json
from playground.prompt_pages.messages_in import (
    messages_of,
    rows_of,
    sent_rows,
)
from playground.v5.messages import ToolFunction

MOST_SAMPLES = 8
# Where the model is one that only its program knows.
AS_NAMED = "as-named"
INPUT = "input:"
_LONGEST_JSON = 200_000
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\"}
_CODE = {"class": "mono", "spellcheck": "false"}


def _json_area(rows: int, placeholder: str) -> forms.Textarea:
    return forms.Textarea(attrs={**_CODE, "rows": rows, "placeholder": placeholder})


class EditorForm(SettingsForm):
    """All that makes a version. The messages stand beside its fields, in `rows`."""

    system_prompt = None  # type: ignore[assignment] # it is the first message
    stop = forms.CharField(
        label="Stop at",
        required=False,
        strip=False,
        max_length=2_000,
        widget=forms.Textarea(attrs={**_CODE, "rows": 2}),
        help_text="One text on each line; \\n is a line break.",
    )
    response_format = forms.ChoiceField(
        label="Answer as",
        required=False,
        choices=[
            ("", "Text"),
            ("json_object", "A JSON object"),
            ("json_schema", "JSON by a schema"),
        ],
    )
    response_schema = forms.CharField(
        label="Schema",
        required=False,
        max_length=_LONGEST_JSON,
        widget=_json_area(5, '{"name": "answer", "schema": {"type": "object"}}'),
    )
    tools = forms.CharField(
        required=False,
        max_length=_LONGEST_JSON,
        widget=_json_area(6, '[{"name": "weather", "description": "Tells it.", "parameters": {}}]'),
        help_text="A list of functions as JSON, as OpenAI takes them or without what is around them.",
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        use_case: UseCase,
        settings: AnswerSettings,
    ) -> None:
        prompt = settings.prompt
        is_named = bool(prompt.model) and settings.llm_id is None
        initial = _initial(prompt) | ({"llm_id": AS_NAMED} if is_named else {})
        super().__init__(data, use_case=use_case, settings=settings, initial=initial)
        self.rows = rows_of(settings)
        self.messages: list[JSON] = []
        self._rows_error = ""
        if data is not None:
            try:
                self.rows = sent_rows(data)
            except InvalidInput as error:
                self._rows_error = error.message
        if is_named:
            named = (AS_NAMED, f"{prompt.model} ({prompt.provider})")
            choices: list[Any] = list(self.fields["llm_id"].choices)  # type: ignore[attr-defined]
            self.fields["llm_id"].choices = [named, *choices]  # type: ignore[attr-defined]

    @property
    def variables(self) -> list[str]:
        texts: list[JSON] = [{"content": row.content} for row in self.rows]
        return variables(texts, self.settings.prompt.template_language)

    def clean_response_schema(self) -> JSON | None:
        if self.cleaned_data.get("response_format") != "json_schema":
            return None
        schema = _read_json(self.cleaned_data["response_schema"] or "null")
        if not isinstance(schema, dict):
            raise forms.ValidationError("Write the schema: a JSON object.")
        return schema

    def clean_tools(self) -> list[JSON] | None:
        text = self.cleaned_data["tools"]
        if not text.strip():
            return None
        tools = _read_json(text)
        if not isinstance(tools, list):
            raise forms.ValidationError("Tools are a list: put [ and ] around them.")
        bare = [
            one["function"] if isinstance(one, dict) and one.get("type") == "function" else one
            for one in tools
        ]
        try:
            checked = ToolFunction(many=True).run_validation(bare)
        except ValidationError as error:
            raise forms.ValidationError(f"Tool {first_problem(error.detail)}") from None
        names = [one["name"] for one in checked]
        if len(set(names)) < len(names):
            raise forms.ValidationError("Two tools have the same name.")
        return [filled_function(one) for one in checked] or None

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if self._rows_error:
            raise forms.ValidationError(self._rows_error)
        try:
            self.messages = messages_of(self.rows)
        except InvalidInput as error:
            raise forms.ValidationError(error.message) from None
        if self.settings.prompt.endpoint == "complete" and not _is_one_text(self.messages):
            raise forms.ValidationError("A completion has one text: leave one message of the user.")
        return data

    def answer_settings(self) -> AnswerSettings:
        """What the form says; settings that it does not show are kept. Raises InvalidInput."""
        system, template = split_template(self.messages or None)
        self.cleaned_data["system_prompt"] = system or ""
        settings = super().answer_settings()
        prompt = replace(
            self.settings.prompt,
            template=self._template(template),
            stop=self._stop(),
            response_format=self._response_format(),
            tools=self.cleaned_data["tools"],
        )
        if settings.llm_id == AS_NAMED:
            return replace(settings, llm_id=None, prompt=prompt)
        if prompt.model and settings.llm_id != self.settings.llm_id:
            llm = LLM.objects.select_related("endpoint").get(pk=settings.llm_id)
            prompt = replace(prompt, model=llm.model_name or llm.pk, provider=provider_of(llm))
        return replace(settings, prompt=prompt)

    def _template(self, template: str | list[JSON] | None) -> str | list[JSON] | None:
        was_text = isinstance(self.settings.prompt.template, str)
        if was_text and isinstance(template, list) and _is_one_text(template):
            text: str = template[0]["content"]
            return text
        return template

    def _stop(self) -> str | list[str] | None:
        lines = self.cleaned_data["stop"].replace("\r\n", "\n").split("\n")
        stops = [_unescaped(line) for line in lines if line]
        was = self.settings.prompt.stop
        return stops[0] if isinstance(was, str) and len(stops) == 1 else stops or None

    def _response_format(self) -> JSON | None:
        kind = self.cleaned_data["response_format"]
        if kind == "json_schema":
            return {"type": kind, "json_schema": self.cleaned_data["response_schema"]}
        return {"type": kind} if kind else None


class RunForm(forms.Form):
    """What a run needs besides the settings. The inputs' fields are named by their variables."""

    message = forms.CharField(
        label="Message of the user",
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "Comes after the messages above."}),
    )
    samples = forms.IntegerField(label="Samples", min_value=1, max_value=MOST_SAMPLES, initial=1)

    def inputs_of(self, names: Sequence[str]) -> dict[str, str]:
        """Those that were filled in."""
        sent = {name: self.data.get(f"{INPUT}{name}", "") for name in names}
        return {name: text.replace("\r\n", "\n") for name, text in sent.items() if text.strip()}


def _initial(prompt: PromptDetails) -> dict[str, Any]:
    told = prompt.response_format or {}
    stops = [prompt.stop] if isinstance(prompt.stop, str) else prompt.stop or []
    return {
        "stop": "\n".join(map(_escaped, stops)),
        "response_format": told.get("type", ""),
        "response_schema": pretty(told["json_schema"]) if told.get("json_schema") else "",
        "tools": pretty(prompt.tools) if prompt.tools else "",
    }


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")


def _unescaped(text: str) -> str:
    return re.sub(r"\\([nt\\])", lambda found: _ESCAPES[found[1]], text)


def _is_one_text(messages: list[JSON]) -> bool:
    return (
        len(messages) == 1
        and set(messages[0]) == {"role", "content"}
        and (messages[0]["role"] == "user" and isinstance(messages[0]["content"], str))
    )


def _read_json(text: str) -> Any:
    try:
        return read_json(text)
    except InvalidInput as error:
        raise forms.ValidationError(error.message) from None
