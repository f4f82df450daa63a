"""The nano model that lies in the package."""

from importlib import resources
from pathlib import Path

from cadmonkey.errors import RunError

SHIPPED_MODEL = "nano-q8_0.gguf"
"""File in cadmonkey/assets that `cadmonkey generate` uses when no --model is given."""


def shipped_model() -> Path:
    """Return the path of the shipped model.

    Raises:
        RunError: this installation lacks it.
    """
    # llama.cpp maps a real file; the package is never run from a zip, so the resource is one.
    path = Path(str(resources.files("cadmonkey") / "assets" / SHIPPED_MODEL))
    if not path.is_file():
        raise RunError(f"{path}: the shipped model is missing; install cadmonkey again, or name a GGUF with --model")
    return path
