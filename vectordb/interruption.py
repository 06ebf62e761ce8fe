class Interrupted(Exception):
    """The worker ends: its successor starts the work over."""
