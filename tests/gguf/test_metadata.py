"""Everything that llama.cpp and the Hub may want to know of a model stands in the file itself."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.gguf.origin import Origin, read_origin
from cadmonkey.gguf.trained import open_trained
from cadmonkey.gguf.write import write_gguf

LLAMA_LICENSE = "https://example.org/license"


def _fields(path: Path) -> dict[str, Any]:
    from gguf import GGUFReader

    fields = {key: field.contents() for key, field in GGUFReader(path).fields.items()}
    return {key: value for key, value in fields.items() if not key.startswith("GGUF.")}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, new_llama: Callable[..., Any], tokenizer: Any) -> Path:
    """A run of full fine-tuning whose base has a card, and whose tokenizer has a padding token and reserved tokens."""
    folder = tmp_path_factory.mktemp("runs") / "plates"
    base = folder / "base"
    for place in (folder / "model", base):
        new_llama().save_pretrained(place)
        tokenizer.save_pretrained(place)
    card = {"license": "other", "license_name": "tiny-license", "license_link": LLAMA_LICENSE}
    lines = "".join(f"{key}: {value}\n" for key, value in card.items())
    (base / "README.md").write_text(f"---\n{lines}---\nA base.\n")
    recipe = {"base_model": "base", "name": "Plates", "author": "A. Maker", "full_finetuning": True}
    recipe |= {"datasets": ["owner/parts", "mine.jsonl"], "own_parts": 100, "data_sha256": {"train.jsonl": "ab"}}
    (folder / "recipe.json").write_text(json.dumps(recipe))
    return Path(folder)


@pytest.fixture(scope="module")
def fields(run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The metadata of the run's q8_0 file."""
    path = tmp_path_factory.mktemp("written") / "model-q8_0.gguf"
    write_gguf(*open_trained(run), {"q8_0": path}, read_origin(run, run / "base"))
    return _fields(path)


def test_the_file_says_what_it_is_and_where_it_comes_from(fields: dict[str, Any]) -> None:
    assert {key: value for key, value in fields.items() if key.startswith(("general.", "cadmonkey."))} == {
        "general.architecture": "llama",
        "general.type": "model",
        "general.name": "Plates",
        "general.author": "A. Maker",
        "general.size_label": "94K",
        "general.license": "other",
        "general.license.name": "tiny-license",
        "general.license.link": LLAMA_LICENSE,
        "general.base_model.count": 1,
        "general.base_model.0.name": "base",
        "general.dataset.count": 3,
        "general.dataset.0.name": "parts",
        "general.dataset.0.organization": "owner",
        "general.dataset.0.repo_url": "https://huggingface.co/datasets/owner/parts",
        "general.dataset.1.name": "mine.jsonl",
        "general.dataset.2.name": "CadMonkey synthetic parts",
        "general.tags": ["text-generation", "cad", "openscad"],
        "general.languages": ["en"],
        "general.file_type": 7,
        "general.quantization_version": 2,
        "cadmonkey.language": "openscad",
    }


def test_the_file_says_how_text_becomes_tokens_and_where_answers_end(fields: dict[str, Any], tokenizer: Any) -> None:
    expected = {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "qwen2",
        "tokenizer.ggml.bos_token_id": tokenizer.bos_token_id,
        "tokenizer.ggml.eos_token_id": tokenizer.eos_token_id,
        "tokenizer.ggml.eot_token_id": tokenizer.convert_tokens_to_ids("<|eot_id|>"),
        "tokenizer.ggml.padding_token_id": tokenizer.pad_token_id,
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.chat_template": tokenizer.chat_template,
    }
    assert {key: fields[key] for key in expected} == expected
    assert {"tokens", "token_type", "merges"} <= {key.rpartition(".")[2] for key in fields}


def test_the_documentation_lists_every_key(fields: dict[str, Any], repository: Path) -> None:
    table = (repository / "docs" / "export.md").read_text().partition("## Metadata of every file")[2]
    listed = re.findall(r"[`.]([a-z_]+)(?:_token_id)?`", table) + re.findall(r"`general\.(\w+)\.N", table)
    general = {re.split(r"\.", key)[1] for key in fields if key.startswith("general.")}
    tokens = {key.rpartition(".")[2] for key in fields if key.startswith("tokenizer.")}
    assert {name for name in general | tokens if not {name, name.removesuffix("token_id")} & set(listed)} == set()


def test_every_special_token_is_a_control_token_and_no_other(fields: dict[str, Any], tokenizer: Any) -> None:
    from gguf import TokenType

    names, kinds = fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.token_type"]
    control = {name for name, kind in zip(names, kinds, strict=True) if kind == TokenType.CONTROL}
    assert control == {token.content for token in tokenizer.added_tokens_decoder.values()}
    assert any("reserved" in name for name in control)
    assert kinds[len(tokenizer) :] == [TokenType.UNUSED] * 5


def test_llama_cpp_ends_an_answer_at_these_tokens_and_no_others(run: Path, tokenizer: Any, tmp_path: Path) -> None:
    from cadmonkey.gguf.player import Player

    write_gguf(*open_trained(run), {"f16": tmp_path / "m.gguf"}, Origin(name="tiny"))
    with Player(tmp_path / "m.gguf", n_ctx=32) as player:
        ends = {tokenizer.convert_ids_to_tokens(number) for number in range(len(tokenizer)) if player.is_end(number)}
    assert "<|eot_id|>" in ends
    # those that llama.cpp knows by their names
    assert ends <= {"<|eot_id|>", "<|end_of_text|>", "<|eom_id|>", "<|endoftext|>"}


@pytest.mark.parametrize(
    ("base_model", "expected"),
    [
        (
            "owner/base",
            {"name": "base", "organization": "owner", "repo_url": "https://huggingface.co/owner/base"},
        ),
        ("models/base", {"name": "base"}),
        ("cadmonkey/assets/nano", {"name": "nano"}),
        ("/somewhere/else/base", {"name": "base"}),
    ],
    ids=["Hub id", "folder with one slash", "folder of the checkout", "absolute folder"],
)
def test_only_a_hub_id_gets_an_address(base_model: str, expected: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "models" / "base").mkdir(parents=True)
    (tmp_path / "recipe.json").write_text(json.dumps({"base_model": base_model}))
    assert read_origin(tmp_path, tmp_path).base_entries == [expected]


def test_a_model_of_the_hubs_cache_is_known_by_its_id(tmp_path: Path) -> None:
    snapshot = tmp_path / "models--owner--my-model" / "snapshots" / "0123abcd"
    snapshot.mkdir(parents=True)
    (snapshot / "README.md").write_text("---\nlicense: [mit, apache-2.0]\nlanguage: [en, de]\n---\n")
    origin = read_origin(snapshot)
    assert (origin.name, origin.source) == ("my-model", "owner/my-model")
    assert (origin.license, origin.languages) == ("mit, apache-2.0", ("en", "de"))


def test_a_card_whose_head_is_broken_does_not_stop_the_export(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\nlicense: [mit\n---\n")
    assert read_origin(tmp_path).license == ""
