"""How a text may be cut, in words that both ends of the parser's pipe know."""

from typing import Final

RECURSIVE: Final = "recursive"
STRUCTURE: Final = "structure"
SENTENCES: Final = "sentences"
WHOLE: Final = "whole"
