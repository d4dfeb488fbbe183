"""oma demo."""


def demo() -> None:
    """Run the whole job."""
