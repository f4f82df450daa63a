"""A tokenizer as its files say it, without transformers, whose import alone takes longer than writing a small model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cadmonkey.errors import InputError
from cadmonkey.files import read_json

_NAMED = ("bos", "eos", "pad", "unk")

_CLASS_PADS = {"Qwen2Tokenizer": "<|endoftext|>", "GemmaTokenizer": "<pad>"}
"""What transformers' classes pad with where no file names a pad token."""


class StoredTokenizer:
    """A tokenizer folder with the attributes of transformers' tokenizers that an export needs."""

    def __init__(self, folder: Path) -> None:
        """Read tokenizer.json, tokenizer_config.json and the chat template.

        Raises:
            InputError: a file is missing or broken, or they contradict each other.
        """
        from tokenizers import Tokenizer

        path = folder / "tokenizer.json"
        if not path.is_file():
            raise InputError(f"{path}: expected the model's tokenizer, got no such file")
        try:
            self.backend_tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            raise InputError(f"{path}: expected a tokenizer, got: {' '.join(str(error).split())[:200]}") from error
        config = _read_object(folder / "tokenizer_config.json")
        named = _read_object(folder / "special_tokens_map.json") | config
        self.bos_token, self.eos_token, self.pad_token, self.unk_token = (
            _text(named.get(f"{name}_token")) for name in _NAMED
        )
        if "pad_token" not in named:
            self.pad_token = _CLASS_PADS.get(str(config.get("tokenizer_class")).removesuffix("Fast"))
        self.chat_template = _read_template(folder, config)
        self._vocab: dict[str, int] = self.backend_tokenizer.get_vocab(with_added_tokens=True)
        self._check(folder, config)

    def _check(self, folder: Path, config: Mapping[str, Any]) -> None:
        for number, token in (config.get("added_tokens_decoder") or {}).items():
            if self._vocab.get(token["content"]) != int(number):
                raise InputError(
                    f"{folder}: only tokenizer_config.json has {token['content']} as token {number}; "
                    "save the tokenizer again with transformers' `save_pretrained`"
                )
        for text in (self.bos_token, self.eos_token, self.pad_token):
            if text is not None and text not in self._vocab:
                raise InputError(f"{folder / 'tokenizer_config.json'}: names {text}, which tokenizer.json has not")

    @property
    def added_tokens_decoder(self) -> Mapping[int, Any]:
        """Id -> token with `.content` and `.special`."""
        return dict(self.backend_tokenizer.get_added_tokens_decoder())

    @property
    def bos_token_id(self) -> int | None:
        """The id of `bos_token`."""
        return self._id(self.bos_token)

    @property
    def eos_token_id(self) -> int | None:
        """The id of `eos_token`."""
        return self._id(self.eos_token)

    @property
    def pad_token_id(self) -> int | None:
        """The id of `pad_token`."""
        return self._id(self.pad_token)

    @property
    def unk_token_id(self) -> int | None:
        """The id of `unk_token`."""
        return self._id(self.unk_token)

    def _id(self, text: str | None) -> int | None:
        return None if text is None else self._vocab.get(text)

    def get_vocab(self) -> dict[str, int]:
        """Return text -> id, added tokens included."""
        return self._vocab

    def convert_tokens_to_ids(self, text: str) -> int | None:
        """Return the id of one token."""
        return self._vocab.get(text)

    def __call__(self, text: str, *, add_special_tokens: bool = True) -> dict[str, list[int]]:
        """Return the ids of `text` as `input_ids`."""
        return {"input_ids": self.backend_tokenizer.encode(text, add_special_tokens=add_special_tokens).ids}


def _read_object(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    value = read_json(path)
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected an object, got {type(value).__name__}")
    return value


def _text(token: Any) -> str | None:
    """Return a token's text; the files hold it plain or with its properties."""
    content = token.get("content") if isinstance(token, dict) else token
    return content if isinstance(content, str) and content else None


def _read_template(folder: Path, config: Mapping[str, Any]) -> str | None:
    """Return the chat template: a file of its own, or an entry of tokenizer_config.json, alone or one of several."""
    path = folder / "chat_template.jinja"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    template = config.get("chat_template")
    if isinstance(template, list):
        template = {entry.get("name"): entry.get("template") for entry in template}.get("default")
    return template if isinstance(template, str) and template else None
