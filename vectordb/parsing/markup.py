"""XML that others made: nothing outside the file is ever read, no entity ever unfolded."""

from typing import Any

from lxml import etree

from vectordb.parsing.base import ParseError


def root_of(data: bytes, what: str) -> Any:
    """The document's root. Raises ParseError for what is no XML; `what` names it to the reader."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise ParseError(f"This {what} is damaged: make or download it again.") from error
