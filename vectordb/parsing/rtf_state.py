"""How far an RTF document was read, and what holds there."""

from dataclasses import dataclass, field
from enum import Enum, auto

from vectordb.parsing.rtf_text import Blocks
from vectordb.parsing.rtf_tokens import DEFAULT_ENCODING


class Target(Enum):
    """Where what a group holds goes to."""

    BODY = auto()
    NOWHERE = auto()
    SHAPE = auto()  # nowhere, but for the text in it
    FONTS = auto()
    STYLES = auto()
    INFO = auto()
    TITLE = auto()


@dataclass(slots=True)
class Group:
    """What holds until a group ends."""

    target: Target = Target.BODY
    font: int = 0
    replaced: int = 1  # how many characters stand in for one of Unicode
    is_hidden: bool = False
    is_in_table: bool = False
    style: int = 0
    level: int | None = None  # where it is another than the style's
    closing: str = ""


@dataclass
class Described:
    """The font or the style that the file is telling of."""

    number: int = 0
    level: int = 0
    words: list[str] = field(default_factory=list)


@dataclass
class State:
    title: str = ""
    blocks: Blocks = field(default_factory=Blocks)
    encoding: str = DEFAULT_ENCODING
    fonts: dict[int, str] = field(default_factory=dict)  # the encodings of some
    default_font: int = 0
    levels: dict[int, int] = field(default_factory=dict)  # of styles
    described: Described = field(default_factory=Described)
    to_skip: int = 0  # characters and words that stand in for one that is known already
    groups: list[Group] = field(default_factory=list)

    @property
    def group(self) -> Group:
        return self.groups[-1]

    def say(self, text: str) -> None:
        group = self.group
        if group.target in (Target.TITLE, Target.STYLES):
            self.described.words.append(text)
        elif group.target is Target.BODY and not group.is_hidden:
            self.blocks.say(text, is_in_table=group.is_in_table)

    def end_paragraph(self) -> None:
        group = self.group
        if group.is_in_table:  # the cell goes on
            self.say("\n")
        else:
            style_level = self.levels.get(group.style, 0)
            self.blocks.end_paragraph(style_level if group.level is None else group.level)
