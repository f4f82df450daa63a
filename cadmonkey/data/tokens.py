"""A tokenizer from its files, without transformers: enough for the chat format to count tokens with."""

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from cadmonkey.data.columns import EXTRA
from cadmonkey.errors import InputError


class FileTokenizer:
    """What `cadmonkey.data.chat.encode` needs of a tokenizer, read from tokenizer.json and its companions."""

    def __init__(self, folder: Path) -> None:
        """Read the tokenizer in `folder`.

        Raises:
            InputError: the package tokenizers is missing, or a file is.
        """
        self.name = folder.name
        self.tokenizer = _load(folder / "tokenizer.json")
        config = _json(folder / "tokenizer_config.json")
        template = folder / "chat_template.jinja"
        written = template.read_text(encoding="utf-8") if template.is_file() else config.get("chat_template")
        self.chat_template: Any = written
        self.bos_token: Any = _text(config.get("bos_token"))
        self.eos_token: Any = _text(config.get("eos_token"))

    @property
    def added_tokens_decoder(self) -> Mapping[int, Any]:
        """Id -> token with `.content` and `.special`."""
        return dict(self.tokenizer.get_added_tokens_decoder())

    def __call__(self, text: str, *, add_special_tokens: bool) -> Any:
        """Return a mapping with `input_ids`."""
        return {"input_ids": self.tokenizer.encode(text, add_special_tokens=add_special_tokens).ids}


def nano_tokenizer() -> FileTokenizer:
    """The tokenizer of the model that ships with CadMonkey."""
    with resources.as_file(resources.files("cadmonkey") / "assets" / "nano") as folder:
        return FileTokenizer(folder)


def _load(path: Path) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise InputError(f"{path}: expected the package tokenizers, which is not installed; {EXTRA}") from error
    if not path.is_file():
        raise InputError(f"--tokenizer: expected a folder with tokenizer.json, got no {path}")
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises a bare Exception for a file that it cannot read
        raise InputError(f"{path}: expected a tokenizer of Hugging Face's tokenizers, got: {error}") from error


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise InputError(f"{path}: expected a JSON file, got: {error}") from error
    return dict(content)


def _text(token: Any) -> str:
    """The text of a token that is written as itself, or as an object with its content."""
    return str(token.get("content", "")) if isinstance(token, dict) else str(token or "")
