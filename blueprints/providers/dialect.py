"""What a server takes of the options that not every server knows."""

from dataclasses import dataclass

_UNKNOWN = ("unsupported", "unknown", "unrecognized", "extra", "not permitted", "unexpected")


@dataclass(slots=True)
class Dialect:
    """Found out by asking: an option that is refused is left out, or called by its other name."""

    stream_options: bool = True
    longest_answer: str = "max_tokens"

    def adapt(self, refused: str) -> "Dialect | None":
        """The dialect to try after a refusal, or None where it was about something else."""
        unknown = any(word in refused.lower() for word in _UNKNOWN)
        if self.stream_options and "stream_options" in refused:
            return Dialect(stream_options=False, longest_answer=self.longest_answer)
        if self.longest_answer == "max_tokens" and "max_completion_tokens" in refused:
            return Dialect(self.stream_options, "max_completion_tokens")
        if self.longest_answer == "max_completion_tokens" and self.longest_answer in refused:
            return Dialect(self.stream_options, "max_tokens") if unknown else None
        return None
