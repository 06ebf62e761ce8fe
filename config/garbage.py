"""Python's search for garbage, kept short in processes that stay."""

import gc

_OBJECTS = 10_000


def spare_what_is_loaded() -> None:
    """What is there by now stays. Without this, Python looks through all of it for garbage again and
    again, which stops every request and every answer for a tenth of a second. It also begins after
    every 700 objects; a page of a list is made of thousands, and took a sixth more time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS)
