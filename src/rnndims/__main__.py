"""``python -m rnndims``."""


def main() -> None:
    """Start the command line."""
    raise SystemExit("not yet")
