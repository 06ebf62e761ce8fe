"""Names that people give."""

from config.errors import InvalidInput

LONGEST_NAME = 200


def checked_name(name: str, default: str = "") -> str:
    """The name on one line, or the default. Raises InvalidInput when none is left, or too long."""
    return verbatim_name(" ".join(name.replace("\0", "").split()), default)


def verbatim_name(name: str, default: str = "") -> str:
    """The name as it is, or the default where it is blank. Raises InvalidInput likewise."""
    name = name if name.strip() else default[:LONGEST_NAME]
    if not name:
        raise InvalidInput("Give it a name.", field="name")
    if len(name) > LONGEST_NAME:
        raise InvalidInput(f"Use at most {LONGEST_NAME} characters.", field="name")
    return name
