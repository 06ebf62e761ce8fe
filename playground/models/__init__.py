"""Playgrounds, chats with their prompts, and comparisons."""

from playground.models.chats import Chat, ChatPrompt, ChatPromptQuerySet, ChatQuerySet, Feedback
from playground.models.comparisons import ComparisonChat, ComparisonPrompt
from playground.models.exports import TraceExport
from playground.models.gold import GoldLabel, GoldMeasurement, GoldQuestion, GoldResult
from playground.models.playgrounds import (
    HUES,
    Playground,
    PlaygroundBlueprint,
    PlaygroundType,
    Sample,
)
from playground.models.preferences import Preference
from playground.models.replays import Replay
from playground.models.retrieval_tests import RetrievalSide, RetrievalTest

__all__ = [
    "HUES",
    "Chat",
    "ChatPrompt",
    "ChatPromptQuerySet",
    "ChatQuerySet",
    "ComparisonChat",
    "ComparisonPrompt",
    "Feedback",
    "GoldLabel",
    "GoldMeasurement",
    "GoldQuestion",
    "GoldResult",
    "Playground",
    "PlaygroundBlueprint",
    "PlaygroundType",
    "Preference",
    "Replay",
    "RetrievalSide",
    "RetrievalTest",
    "Sample",
    "TraceExport",
]
