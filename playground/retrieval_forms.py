"""The form of a retrieval test: a question, and one or two ways of searching for it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from django import forms

from blueprints.forms import SettingsForm, initial_values
from playground.models import RetrievalSide, RetrievalTest
from playground.retrieval_sources import OWN, Source
from playground.retrieval_tests import SideWish
from vectordb.models import VectorDatabase

LEFT, RIGHT = "left", "right"
_OF_THE_LLM = (
    *("llm_id", "system_prompt", "temperature", "top_p"),
    *("max_completion_length", "prompt_type"),
)


class FilterField(forms.CharField):
    """An object in JSON, as Python reads it and PostgreSQL takes it; None for nothing."""

    widget = forms.Textarea(
        attrs={
            "rows": 2,
            "class": "mono",
            "spellcheck": "false",
            "placeholder": '{"year": {"$gte": 2020}}',
        }
    )

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            read = json.loads(text)
            # Halves of surrogate pairs can be written in JSON, and nowhere else.
            json.dumps(read, ensure_ascii=False).encode()
        except (RecursionError, ValueError) as error:
            raise forms.ValidationError(
                'This is no JSON. Write it like {"year": {"$gte": 2020}}.'
            ) from error
        return read

    def prepare_value(self, value: Any) -> Any:
        is_text = value is None or isinstance(value, str)
        return value if is_text else json.dumps(value, ensure_ascii=False)


class QuestionForm(forms.Form):
    text = forms.CharField(
        label="Question",
        strip=False,
        error_messages={"required": "Write a question first."},
        widget=forms.Textarea(attrs={"rows": 2, "class": "question-in"}),
    )
    metadata_filter = FilterField(required=False, label="Metadata filter")


class SideForm(SettingsForm):
    """What is retrieved, filled in from a source. What the source says of its LLM is kept: it tells
    how much an answer could be given to read.

    The fields count only where they were shown for the source that is chosen, which `filled_from`
    tells; else the form is not bound, and the source holds as it is.
    """

    source = forms.ChoiceField(label="Settings", required=False)
    filled_from = forms.CharField(required=False, widget=forms.HiddenInput)
    field_order = [
        *("source", "filled_from", "vector_database_id", "search_mode", "retriever"),
        *("retrieval_mode", "maximal_marginal_relevance_lambda"),
    ]

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        prefix: str,
        database: VectorDatabase,
        sources: Mapping[str, Source],
        source_id: str,
        values: Mapping[str, Any] | None = None,
    ) -> None:
        """`values` stand in the place of the source's own."""
        self.database = database
        self.chosen = sources.get(source_id)
        settings = (self.chosen or sources[OWN]).settings
        super().__init__(
            data,
            prefix=prefix,
            use_case=database.use_case,
            settings=settings,
            initial={
                "vector_database_id": settings.vector_database_id or database.pk,
                **(values or {}),
                "source": source_id,
                "filled_from": source_id,
            },
        )
        for name in _OF_THE_LLM:
            del self.fields[name]
        if settings.llm_id is None:
            # No answer is asked for whose LLM could set a limit.
            self.fields["max_tokens"].widget.attrs["placeholder"] = "none"
        choices = [(source.id, source.label) for source in sources.values()]
        if prefix == LEFT:
            # The page is that of one database.
            del self.fields["vector_database_id"]
        else:
            choices = [("", "Nothing"), *choices]
            databases: Any = self.fields["vector_database_id"]
            databases.required = True
            databases.choices = databases.choices[1:]
        self.fields["source"].choices = choices  # type: ignore[attr-defined]

    @classmethod
    def sent(
        cls,
        data: Mapping[str, Any],
        *,
        prefix: str,
        database: VectorDatabase,
        sources: Mapping[str, Source],
    ) -> Self:
        source_id = data.get(f"{prefix}-source") or (OWN if prefix == LEFT else "")
        is_shown = data.get(f"{prefix}-filled_from") == source_id
        is_gone = source_id not in sources
        return cls(
            data if source_id and (is_shown or is_gone) else None,
            prefix=prefix,
            database=database,
            sources=sources,
            source_id=source_id,
        )

    def is_fine(self) -> bool:
        return not self.is_bound or self.is_valid()

    def clean(self) -> dict[str, Any]:
        kept = initial_values(self.settings)
        kept = {name: kept[name] for name in _OF_THE_LLM}
        kept["system_prompt"] = kept["system_prompt"] or ""
        kept["vector_database_id"] = self.database.pk
        return kept | self.cleaned_data

    def wish(self) -> SideWish | None:
        """None where nothing was chosen. Raises InvalidInput."""
        source = self.chosen
        if source is None:
            return None
        settings = self.answer_settings() if self.is_bound else source.settings
        if self.prefix == LEFT:
            settings = replace(settings, vector_database_id=self.database.pk)
        if source.id == OWN:
            return SideWish(source.label, settings)
        is_changed = settings.retrieval_settings != source.settings.retrieval_settings
        label = f"{source.label}, changed" if is_changed else source.label
        return SideWish(label, settings, source.id)


@dataclass(frozen=True, slots=True)
class RetrievalForms:
    """The three forms that are sent together."""

    question: QuestionForm
    left: SideForm
    right: SideForm

    @classmethod
    def new(
        cls, database: VectorDatabase, sources: Mapping[str, Source], source_id: str
    ) -> "RetrievalForms":
        """With the question of the source, where it has one."""
        source = sources.get(source_id, sources[OWN])
        shared: Any = {"database": database, "sources": sources}
        return cls(
            QuestionForm(initial={"text": source.text, "metadata_filter": source.metadata_filter}),
            SideForm(prefix=LEFT, source_id=source.id, **shared),
            SideForm(prefix=RIGHT, source_id="", **shared),
        )

    @classmethod
    def again(cls, test: RetrievalTest, sources: Mapping[str, Source]) -> "RetrievalForms":
        """As the test was made."""
        initial = {"text": test.text, "metadata_filter": test.metadata_filter}
        sides: dict[int, RetrievalSide] = {side.position: side for side in test.sides.all()}

        def form(prefix: str, side: RetrievalSide | None) -> SideForm:
            shared: Any = {"prefix": prefix, "database": test.vector_database, "sources": sources}
            if side is None:
                return SideForm(source_id="", **shared)
            source_id = side.source_id if side.source_id in sources else OWN
            return SideForm(source_id=source_id, values=initial_values(side.settings), **shared)

        return cls(
            QuestionForm(initial=initial), form(LEFT, sides.get(0)), form(RIGHT, sides.get(1))
        )

    @classmethod
    def sent(
        cls, data: Mapping[str, Any], database: VectorDatabase, sources: Mapping[str, Source]
    ) -> "RetrievalForms":
        shared: Any = {"database": database, "sources": sources}
        left, right = (SideForm.sent(data, prefix=side, **shared) for side in (LEFT, RIGHT))
        return cls(QuestionForm(data), left, right)

    @classmethod
    def refilled(
        cls,
        data: Mapping[str, Any],
        side: str,
        database: VectorDatabase,
        sources: Mapping[str, Source],
    ) -> "RetrievalForms":
        """One side filled in anew from the source that was chosen for it; nothing is checked yet.

        Other settings begin as those that they are compared with.
        """
        sent = cls.sent(data, database, sources)
        source_id = data.get(f"{side}-source", "")
        values = None
        if side == RIGHT and source_id == OWN:
            values = {bound.name: bound.value() for bound in sent.left}
        fresh = SideForm(
            prefix=side, database=database, sources=sources, source_id=source_id, values=values
        )
        # An empty question is not wrong as long as it was not put.
        question = QuestionForm(data, empty_permitted=True, use_required_attribute=False)
        return replace(sent, question=question, **{side: fresh})

    def is_valid(self) -> bool:
        return all([self.question.is_valid(), self.left.is_fine(), self.right.is_fine()])

    def wishes(self) -> list[SideWish]:
        wishes = (self.left.wish(), self.right.wish())
        return [wish for wish in wishes if wish is not None]
