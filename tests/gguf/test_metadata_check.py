"""A true file whose metadata somebody changes in place is unproven, for what was changed; no true file is."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.gguf.metadata_check import first_metadata_difference
from cadmonkey.gguf.origin import Origin
from cadmonkey.gguf.original import Original
from cadmonkey.gguf.prove import prove_against
from cadmonkey.gguf.questions import Question
from tests.gguf.conftest import for_one_turn, write_as


@pytest.fixture(scope="module")
def original(model: Any, tokenizer: Any, base_rows: list[dict[str, str]]) -> Original:
    """What the files are compared with."""
    return Original(model, tokenizer, [Question(row["prompt"], row["completion"]) for row in base_rows])


@pytest.fixture
def true_file(model: Any, tokenizer: Any, tmp_path: Path) -> Path:
    """A file of the model, to be edited in place."""
    write_as(model, tokenizer, tmp_path / "model-f16.gguf", Origin(name="tiny"))
    return tmp_path / "model-f16.gguf"


def edit(path: Path, key: str, value: float) -> None:
    """Change one number of the metadata, as `gguf_set_metadata.py` of the gguf package does."""
    from gguf import GGUFReader

    field = GGUFReader(path, "r+").fields[key]
    field.parts[field.data[0]][0] = value


EDITS = {
    "tokenizer.ggml.bos_token_id": (5, "bos_token_id is 5"),
    "tokenizer.ggml.eot_token_id": (5, "eot_token_id is 5"),
    "tokenizer.ggml.eom_token_id": (5, "eom_token_id is 5"),
    "tokenizer.ggml.padding_token_id": (5, "padding_token_id is 5"),
    "tokenizer.ggml.add_bos_token": (False, "add_bos_token is False, expected True"),
    "llama.context_length": (256, "context_length is 256, expected 512"),
    "llama.attention.layer_norm_rms_epsilon": (1.1e-6, "attention.layer_norm_rms_epsilon is 1.09999"),
    "llama.rope.freq_base": (10001.0, "rope.freq_base is 10001.0, expected 10000.0"),
}


@pytest.mark.parametrize("key", EDITS)
def test_a_true_file_with_one_number_changed_is_unproven(key: str, true_file: Path, original: Original) -> None:
    value, words = EDITS[key]
    edit(true_file, key, value)
    reasons = prove_against(true_file, "f16", original).reasons
    assert any(reason.startswith(f"other metadata: {words}") for reason in reasons), reasons


def test_a_key_that_the_model_does_not_call_for_is_a_difference(
    model: Any, tokenizer: Any, true_file: Path, tmp_path: Path
) -> None:
    from gguf import GGUFReader

    stretched = copy.deepcopy(model)
    stretched.config.rope_parameters = {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0}
    write_as(stretched, tokenizer, tmp_path / "linear.gguf", Origin(name="tiny"))
    assert first_metadata_difference(GGUFReader(true_file), "f16", model, tokenizer) == ""
    difference = first_metadata_difference(GGUFReader(tmp_path / "linear.gguf"), "f16", model, tokenizer)
    assert difference == "rope.scaling.factor is 2.0, expected None"


@pytest.mark.parametrize("doubled", [False, True], ids=["one BOS", "two"])
def test_the_server_makes_one_bos_of_the_templates_and_the_files(
    doubled: bool, model: Any, tokenizer: Any, tmp_path: Path
) -> None:
    from cadmonkey.gguf.player import Player

    write_as(model, tokenizer, tmp_path / "m.gguf", Origin(name="tiny"))
    with Player(tmp_path / "m.gguf", n_ctx=64) as player:
        text = player.render("a cube")
        ids = player.tokenize_as_server(tokenizer.bos_token + text if doubled else text)
    assert ids.count(tokenizer.bos_token_id) == 1 + doubled


ORIGIN = Origin(
    name="tiny",
    base_model="owner/base",
    license="mit",
    author="A. Maker",
    datasets=("owner/parts", "mine"),
    languages=("en",),
    language="ir",
)


@pytest.fixture(scope="module")
def recorded(model: Any, tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of the model with all that `ORIGIN` has; rewrite it, but not in place."""
    path = tmp_path_factory.mktemp("recorded") / "model-f16.gguf"
    write_as(model, tokenizer, path, ORIGIN)
    return path


def rewrite(source: Path, path: Path, key: str, value: Any) -> Path:
    """Copy a file with one entry changed, added, or removed (None), by the gguf package's own script."""
    from gguf import GGUFReader, GGUFValueType, GGUFWriter
    from gguf.scripts.gguf_new_metadata import MetadataDetails, copy_with_new_metadata

    reader = GGUFReader(source)
    kind = reader.fields[key].types[0] if key in reader.fields else GGUFValueType.get_type(value)
    changed = {} if value is None else {key: MetadataDetails(kind, value)}
    copy_with_new_metadata(reader, GGUFWriter(path, "llama"), changed, [key] if value is None else [])
    return path


REWRITES: dict[str, tuple[str, Any, str]] = {
    "kind": ("general.file_type", 7, "general.file_type is 7, expected 1"),
    "no kind": ("general.file_type", None, "general.file_type is missing, expected 1"),
    "no version": ("general.quantization_version", None, "general.quantization_version is missing, expected 2"),
    "type": ("general.type", "adapter", "general.type is adapter, expected model"),
    "no eot": ("tokenizer.ggml.eot_token_id", None, "eot_token_id is missing, expected "),
    "no eom": ("tokenizer.ggml.eom_token_id", None, "eom_token_id is missing, expected "),
    "no padding": ("tokenizer.ggml.padding_token_id", None, "padding_token_id is missing, expected "),
    "mask": ("tokenizer.ggml.mask_token_id", 3, "mask_token_id is 3, expected none"),
    "charsmap": ("tokenizer.ggml.remove_extra_whitespaces", True, "tokenizer.ggml.remove_extra_whitespaces is True"),
    "no template": ("tokenizer.chat_template", None, "tokenizer.chat_template is missing, expected that of the token"),
    "second template": (
        "tokenizer.chat_template.tool_use",
        "x",
        "tokenizer.chat_template.tool_use is x, expected",
    ),
    "name": ("general.name", "huge", "general.name is huge, expected tiny"),
    "licence": ("general.license", "apache-2.0", "general.license is apache-2.0, expected mit"),
    "no licence": ("general.license", None, "general.license is missing, expected mit"),
    "link": ("general.license.link", "x", "general.license.link is x, expected none"),
    "author": ("general.author", "Somebody", "general.author is Somebody, expected A. Maker"),
    "base": ("general.base_model.0.name", "other", "general.base_model.0.name is other, expected base"),
    "second base": ("general.base_model.1.name", "other", "general.base_model.1.name is other, expected none"),
    "data": ("general.dataset.1.name", "yours", "general.dataset.1.name is yours, expected mine"),
    "no data": ("general.dataset.count", None, "general.dataset.count is missing, expected 2"),
    "size": ("general.size_label", "7B", "general.size_label is 7B, expected "),
    "sampling": ("general.sampling.temp", 2.0, "general.sampling.temp is 2.0, expected none"),
    "language": ("cadmonkey.language", "openscad", "cadmonkey.language is openscad, expected ir"),
    "no language": ("cadmonkey.language", None, "cadmonkey.language is missing, expected ir"),
    "split": ("split.count", 2, "split.count is 2, expected none"),
}


@pytest.mark.parametrize("name", REWRITES)
def test_an_entry_changed_added_or_missing_is_a_difference(
    name: str, recorded: Path, model: Any, tokenizer: Any, tmp_path: Path
) -> None:
    from gguf import GGUFReader

    key, value, words = REWRITES[name]
    path = rewrite(recorded, tmp_path / "m.gguf", key, value)
    assert first_metadata_difference(GGUFReader(path), "f16", model, tokenizer, ORIGIN).startswith(words)


def test_a_copied_file_has_no_difference_and_is_of_its_kind_and_origin_alone(
    recorded: Path, model: Any, tokenizer: Any, tmp_path: Path
) -> None:
    from gguf import GGUFReader

    reader = GGUFReader(rewrite(recorded, tmp_path / "m.gguf", "general.name", "tiny"))
    assert first_metadata_difference(reader, "f16", model, tokenizer, ORIGIN) == ""
    assert first_metadata_difference(reader, "f16", model, tokenizer) == ""
    assert "file_type is 1, expected 7" in first_metadata_difference(reader, "q8_0", model, tokenizer)
    nameless = first_metadata_difference(reader, "f16", model, tokenizer, replace(ORIGIN, author=""))
    assert nameless == "general.author is A. Maker, expected none"


@pytest.mark.parametrize("kind", ["f16", "q8_0"])
def test_a_template_that_is_only_right_for_one_turn_is_unproven(
    kind: str, model: Any, tokenizer: Any, original: Original, tmp_path: Path
) -> None:
    wrong = copy.deepcopy(tokenizer)
    wrong.chat_template = for_one_turn(tokenizer.chat_template)
    write_as(model, wrong, tmp_path / "m.gguf", ORIGIN, kind)
    proof = prove_against(tmp_path / "m.gguf", kind, original, origin=ORIGIN)
    assert proof.figures.template_equal == 1, "no question reaches the other branch"
    (reason,) = proof.reasons
    assert reason.startswith("other metadata: tokenizer.chat_template is another text from character 2 on: ")


def test_another_origin_fails_a_proof_that_was_given_one(recorded: Path, original: Original, tmp_path: Path) -> None:
    path = rewrite(recorded, tmp_path / "m.gguf", "general.license", "apache-2.0")
    assert prove_against(path, "f16", original).reasons == ()
    (reason,) = prove_against(path, "f16", original, origin=ORIGIN).reasons
    assert reason == "other metadata: general.license is apache-2.0, expected mit"


def test_of_several_templates_the_default_one_is_proven(
    model: Any, tokenizer: Any, base_rows: list[dict[str, str]], tmp_path: Path
) -> None:
    several = copy.deepcopy(tokenizer)
    several.chat_template = {"default": tokenizer.chat_template, "tool_use": "{{ messages }}"}
    write_as(model, several, tmp_path / "m.gguf", ORIGIN)
    original = Original(model, several, [Question(row["prompt"], row["completion"]) for row in base_rows])
    assert prove_against(tmp_path / "m.gguf", "f16", original, origin=ORIGIN).reasons == ()


def test_a_tokenizer_without_a_template_calls_for_none(model: Any, tokenizer: Any, recorded: Path) -> None:
    from gguf import GGUFReader

    bare = copy.deepcopy(tokenizer)
    bare.chat_template = None
    difference = first_metadata_difference(GGUFReader(recorded), "f16", model, bare, ORIGIN)
    assert difference.endswith("expected none")
    assert difference.startswith("tokenizer.chat_template is")


OTHERS: dict[str, dict[str, Any]] = {
    "linear": {"rope_parameters": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0}},
    "another head size": {"head_dim": 32},
    "mistral": {"sliding_window": 128},
    "gemma3_text": {"head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 32, "num_hidden_layers": 7},
    "qwen3": {
        "head_dim": 32,
        "rope_parameters": {
            **{"rope_type": "yarn", "rope_theta": 1e6, "factor": 4.0, "original_max_position_embeddings": 128},
        },
    },
}


@pytest.mark.parametrize("name", OTHERS)
def test_true_files_of_other_models_have_no_difference(
    name: str, new_llama: Callable[..., Any], tokenizer: Any, tmp_path: Path
) -> None:
    from gguf import GGUFReader
    from transformers import AutoConfig, AutoModelForCausalLM

    kept = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
            "num_key_value_heads", "max_position_embeddings", "bos_token_id", "eos_token_id")  # fmt: skip
    sizes = {key: getattr(new_llama().config, key) for key in kept}
    model_type = name if name in ("mistral", "gemma3_text", "qwen3") else "llama"
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(model_type, **(sizes | OTHERS[name])))
    write_as(model, tokenizer, tmp_path / "m.gguf", Origin(name=name))
    assert first_metadata_difference(GGUFReader(tmp_path / "m.gguf"), "f16", model, tokenizer) == ""


def test_an_answer_cut_off_by_a_wrong_end_is_not_taken_for_the_models_own(
    true_file: Path, model: Any, tokenizer: Any, base_rows: list[dict[str, str]]
) -> None:
    original = Original(model, tokenizer, [Question(row["prompt"]) for row in base_rows])
    whole = original.own_answers(original.asked)
    edit(true_file, "tokenizer.ggml.eot_token_id", whole[0][2])
    another = Original(model, tokenizer, [Question(row["prompt"]) for row in base_rows])
    figures = prove_against(true_file, "f16", another).figures
    assert figures.mean_tokens < sum(map(len, whole)) / len(whole), "the wrong end did cut an answer off"
    assert another.own_answers(another.asked) == whole
    assert (figures.original_stop_rate, figures.original_reserved_token_rate) == (1, 0)
