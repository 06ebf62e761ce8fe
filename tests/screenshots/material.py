"""What the small shop's support team asks, and what its documents say."""

RETURNS = [
    "Items can be returned for a refund within 30 days of delivery when they are unopened.",
    "Refunds are paid to the card that was used. They arrive within five working days.",
    "Gift cards and cut fabric cannot be returned.",
    "Opened items, complete with all accessories, qualify for store credit until day 60.",
    "Damage in transit must be reported within 48 hours. A full refund is then given.",
]
WARRANTY = """# Warranty

From day 61 on, claims are settled by the manufacturer under its own warranty.

# Gifts

When the item was a gift, store credit goes to the person who received it.
"""
QUESTIONS = [
    ("Can a customer return an opened item after 30 days?", "Yes, for store credit until day 60."),
    ("Who settles claims from day 61 on?", "The manufacturer, under its own warranty."),
    ("When must damage in transit be reported?", "Within 48 hours."),
    ("Can gift cards be returned?", "No."),
    ("Who receives the credit for a gift?", ""),
    ("How fast is a refund paid?", "Within five working days."),
]
STREAMED = "The same limits apply, but the credit goes to the person who received the gift. " * 9
MODEL = {
    "type": "model",
    "model": "some-model",
    "chat_template": [{"role": "user", "content": "{{question}}"}],
}
TOOL = {
    "type": "tool",
    "name": "search",
    "description": "Finds passages.",
    "source_code": "def search(question): ...",
}
