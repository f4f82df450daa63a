"""The tokenizer read from its files must be the one that transformers loads."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.errors import InputError
from cadmonkey.gguf.tokenizer import StoredTokenizer
from cadmonkey.gguf.vocabulary import read_vocabulary

pytest.importorskip("torch", reason="export needs the train extra")


@pytest.fixture
def folder(tokenizer: Any, tmp_path: Path) -> Path:
    """A tokenizer's folder to break."""
    tokenizer.save_pretrained(tmp_path)
    return tmp_path


def test_the_vocabulary_is_that_of_transformers_tokenizer(tokenizer: Any, folder: Path) -> None:
    rows = len(tokenizer) + 3
    assert read_vocabulary(StoredTokenizer(folder), rows) == read_vocabulary(tokenizer, rows)


@pytest.mark.parametrize("name", ["llama-3.2", "qwen2.5"])
def test_real_vocabularies_are_those_of_transformers_tokenizer(name: str, shared_data: Path) -> None:
    from transformers import AutoTokenizer

    source = shared_data / "tokenizers" / name
    wanted = AutoTokenizer.from_pretrained(source)
    assert read_vocabulary(StoredTokenizer(source), 152000) == read_vocabulary(wanted, 152000)


def test_a_pad_token_that_no_file_names_is_that_of_transformers_class(shared_data: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    shutil.copytree(shared_data / "tokenizers" / "qwen2.5", tmp_path, dirs_exist_ok=True)
    path = tmp_path / "tokenizer_config.json"
    config = json.loads(path.read_text())
    for pad in ({}, {"pad_token": None}, {"pad_token": "<|im_end|>"}):
        path.write_text(json.dumps({key: config[key] for key in config if key != "pad_token"} | pad))
        assert StoredTokenizer(tmp_path).pad_token == AutoTokenizer.from_pretrained(tmp_path).pad_token, pad


def test_a_template_within_tokenizer_config_is_found(folder: Path) -> None:
    template = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").unlink()
    path = folder / "tokenizer_config.json"
    for entry in (template, [{"name": "tool_use", "template": "x"}, {"name": "default", "template": template}]):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"chat_template": entry}))
        assert StoredTokenizer(folder).chat_template == template


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("tokenizer.json", None, r"tokenizer\.json: expected the model's tokenizer, got no such file"),
        ("tokenizer.json", "{", r"tokenizer\.json: expected a tokenizer, got"),
        ("tokenizer_config.json", "[]", "expected an object, got list"),
        (
            "tokenizer_config.json",
            '{"eos_token": "<|nowhere|>"}',
            r"names <\|nowhere\|>, which tokenizer\.json has not",
        ),
        (
            "tokenizer_config.json",
            '{"added_tokens_decoder": {"9": {"content": "<|new|>"}}}',
            r"only tokenizer_config\.json has <\|new\|> as token 9",
        ),
    ],
)
def test_a_damaged_tokenizer_is_named_in_one_line(name: str, text: str | None, message: str, folder: Path) -> None:
    (folder / name).unlink() if text is None else (folder / name).write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        StoredTokenizer(folder)
    assert "\n" not in str(caught.value)


def test_special_tokens_may_stand_in_a_map_of_their_own(folder: Path, tokenizer: Any) -> None:
    shutil.move(folder / "tokenizer_config.json", folder / "special_tokens_map.json")
    assert StoredTokenizer(folder).eos_token_id == tokenizer.eos_token_id
