"""What a file says that it is called, unless that says nothing."""

import re

from vectordb.parsing.base import one_line

# What programs call a document that nobody gave a title.
_none_given = re.compile(
    r"(untitled|unknown|document|word document|powerpoint presentation|presentation|slide 1)[\s\d.-]*",
    re.IGNORECASE,
)
# What they put before the name of the file that it was made from.
_made_from = re.compile(r"microsoft (office )?(word|powerpoint|excel) - ", re.IGNORECASE)
_file_name = re.compile(
    r"\S.*\.(docx?|pptx?|xlsx?|od[tps]|pdf|rtf|tex|dvi|ps|indd|qxd|pages|html?|txt|wpd|fm|jpe?g|png|tiff?)",
    re.IGNORECASE,
)


def told_title(told: str | None) -> str:
    """The title in a file's properties; empty for one that a program made up."""
    title = _made_from.sub("", one_line(told or ""), count=1)
    return "" if _none_given.fullmatch(title) or _file_name.fullmatch(title) else title
