"""The processes of one run: torchrun and `accelerate launch` start one for each GPU, and number them by environment."""

import os


def world_size() -> int:
    """Return how many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """True for the process that writes the files and talks."""
    return os.environ.get("RANK", "0") == "0"
