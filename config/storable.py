"""Text from elsewhere, made fit for PostgreSQL."""


def storable(text: str) -> str:
    """Without NUL and halves of surrogate pairs, which PostgreSQL takes neither in rows nor in
    notifications."""
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\x00", "")
