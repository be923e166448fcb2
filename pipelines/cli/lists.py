"""Options that take several names."""


def names_of(text: str) -> list[str]:
    """Names that stand between commas, without blanks; none in an empty text."""
    return [name.strip() for name in text.split(",") if name.strip()]
