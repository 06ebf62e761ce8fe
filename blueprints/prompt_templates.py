"""Prompt templates: texts with variables, kept in versions. A template belongs to who made it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from django.db import transaction
from django.db.models import Max

from accounts.models import User
from blueprints.models import PromptTemplate, PromptTemplateVersion
from config.errors import InvalidInput

MOST_VARIABLES = 1_000


@dataclass(frozen=True, slots=True)
class Variable:
    """What stands as `{{ name }}` in the text, to be replaced by whoever uses it."""

    name: str
    type: str = "str"
    description: str = ""


def create_template(*, user: User, name: str, description: str = "") -> PromptTemplate:
    """A template without a text: its first version brings one."""
    if not name.strip():
        raise InvalidInput("A prompt template needs a name.", field="name")
    return PromptTemplate.objects.create(
        name=name, description=description, created_by=user, updated_by=user
    )


@transaction.atomic
def add_version(
    template: PromptTemplate,
    *,
    user: User,
    text: str,
    variables: Sequence[Variable] = (),
    comment: str = "",
) -> PromptTemplateVersion:
    """The next version; the earlier ones stay as they are. Raises InvalidInput with the field:
    prompt_text or variables."""
    if not text.strip():
        raise InvalidInput("A version needs a text.", field="prompt_text")
    if len(variables) > MOST_VARIABLES:
        raise InvalidInput(f"At most {MOST_VARIABLES:,} variables, please.", field="variables")
    names = [variable.name for variable in variables]
    if len(set(names)) < len(names):
        raise InvalidInput("Each variable needs a name of its own.", field="variables")
    # Locked, so that two versions made at once do not get the same number.
    locked = PromptTemplate.objects.select_for_update().get(pk=template.pk)
    last = locked.versions.aggregate(last=Max("number"))["last"] or 0
    locked.updated_by = user
    locked.save(update_fields=["updated_by", "updated_at"])
    return PromptTemplateVersion.objects.create(
        template=locked,
        number=last + 1,
        text=text,
        variables=[asdict(variable) for variable in variables],
        comment=comment,
        created_by=user,
    )
