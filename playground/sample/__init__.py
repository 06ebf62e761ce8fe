"""The handbook of an invented shop: its texts, the files made of them, and what makes the files."""

from pathlib import Path

TEXTS = Path(__file__).parent / "text"
DOCUMENTS = Path(__file__).parent / "documents"

# What each text becomes: a handbook in which every kind of file is met.
FORMATS = {
    "coffee-subscription": "md",
    "damage-in-transit": "html",
    "gift-cards": "md",
    "kettle-club": "docx",
    "opening-hours-and-contact": "html",
    "price-matching": "html",
    "product-care": "pdf",
    "repairs": "pdf",
    "returns-and-refunds": "pdf",
    "shipping": "docx",
    "staff-guide": "docx",
    "warranty": "pdf",
}


def document_names() -> list[str]:
    return [f"{name}.{ending}" for name, ending in sorted(FORMATS.items())]
