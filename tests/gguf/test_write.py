"""The file must hold the trained numbers under llama.cpp's names, and refuse what it would get wrong."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.errors import RunError
from cadmonkey.gguf.origin import Origin
from cadmonkey.gguf.quantise import quantise
from cadmonkey.gguf.questions import Question
from cadmonkey.gguf.trained import open_trained
from cadmonkey.gguf.write import write_gguf
from tests.gguf.conftest import prove_file, write_as

ORIGIN = Origin(
    name="tiny", base_model="owner/base", license="apache-2.0", author="A. Maker", datasets=("owner/parts",)
)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    from gguf import GGUFReader

    reader = GGUFReader(path)
    return {key: field.contents() for key, field in reader.fields.items()}, {t.name: t for t in reader.tensors}


@pytest.fixture(scope="module")
def questions(base_rows: list[dict[str, str]]) -> list[Question]:
    return [Question(row["prompt"], row["completion"]) for row in base_rows]


def test_matrices_are_16_bit_and_vectors_32_bit_and_a_tied_head_is_stored_once(
    model: Any, tokenizer: Any, tmp_path: Path
) -> None:
    write_as(model, tokenizer, tmp_path / "m.gguf", ORIGIN)
    _, tensors = _read(tmp_path / "m.gguf")
    assert "output.weight" not in tensors
    assert {t.tensor_type.name for name, t in tensors.items() if name.endswith("_norm.weight")} == {"F32"}
    assert tensors["rope_freqs.weight"].tensor_type.name == "F32"
    assert {t.tensor_type.name for t in tensors.values() if len(t.shape) == 2} == {"F16"}


def test_the_metadata_name_descent_ends_and_template(model: Any, tokenizer: Any, tmp_path: Path) -> None:
    write_as(model, tokenizer, tmp_path / "m.gguf", ORIGIN)
    fields, _ = _read(tmp_path / "m.gguf")
    expected = {
        "general.architecture": "llama",
        "general.name": "tiny",
        "general.license": "apache-2.0",
        "general.author": "A. Maker",
        "general.dataset.0.name": "parts",
        "general.base_model.0.repo_url": "https://huggingface.co/owner/base",
        "general.file_type": 1,
        "general.quantization_version": 2,
        "llama.context_length": 512,
        "llama.attention.head_count_kv": 2,
        "tokenizer.ggml.pre": "qwen2",
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.ggml.eos_token_id": tokenizer.eos_token_id,
        "tokenizer.ggml.eot_token_id": tokenizer.eos_token_id,
        "tokenizer.ggml.padding_token_id": tokenizer.pad_token_id,
        "tokenizer.chat_template": tokenizer.chat_template,
    }
    assert {key: fields[key] for key in expected} == expected


def test_a_template_with_todays_date_is_written_with_a_fixed_one(tokenizer: Any, model: Any, tmp_path: Path) -> None:
    import copy

    dated = copy.deepcopy(tokenizer)
    dated.chat_template = "{{ strftime_now('%d %b %Y') }}" + tokenizer.chat_template
    write_as(model, dated, tmp_path / "m.gguf", ORIGIN)
    assert "strftime_now" not in _read(tmp_path / "m.gguf")[0]["tokenizer.chat_template"]


@pytest.mark.parametrize(
    "changes",
    [
        {"tie_word_embeddings": False},
        {"attention_bias": True},
        {"head_dim": 32},
        {"rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0}},
    ],
    ids=["untied head", "biases", "wide heads", "linear rope"],
)
def test_llama_cpp_computes_the_same_for_every_variant(
    changes: Any,
    new_llama: Callable[..., Any],
    teach: Callable[[Any], None],
    tokenizer: Any,
    questions: list[Question],
    tmp_path: Path,
) -> None:
    variant = new_llama(**changes)
    teach(variant)
    write_as(variant, tokenizer, tmp_path / "m.gguf", ORIGIN)
    figures = prove_file(tmp_path / "m.gguf", "f16", variant, tokenizer, questions).figures
    assert figures.greedy_equal == 1
    assert figures.max_kl < 1e-4


def test_qwen2_with_its_biases_computes_the_same(
    teach: Callable[[Any], None], tokenizer: Any, questions: list[Question], tmp_path: Path
) -> None:
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        vocab_size=len(tokenizer) + 7,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
    )
    qwen = Qwen2ForCausalLM(config)
    teach(qwen)
    write_as(qwen, tokenizer, tmp_path / "m.gguf", ORIGIN)
    figures = prove_file(tmp_path / "m.gguf", "f16", qwen, tokenizer, questions).figures
    assert (figures.greedy_equal, figures.stop_rate) == (1, 1)
    assert figures.max_kl < 1e-4


LAYER = r"model\.layers\.1\.mlp\.up_proj\.weight"


@pytest.mark.parametrize(
    ("value", "kinds", "words"),
    [
        (float("nan"), ("f32",), "expected numbers, got NaN or infinity; the training has diverged"),
        (float("-inf"), ("q8_0",), "expected numbers, got NaN or infinity"),
        (1e6, ("f16",), "expected numbers up to 65,504, the largest that f16 holds there, got 1e\\+06; .* bf16 or f32"),
        (-1e6, ("f32", "q4_k_m"), "expected numbers up to 65,504, the largest that q4_k_m holds there, got 1e\\+06"),
        (1e8, ("bf16", "q8_0"), "expected numbers up to 8.3 million, the largest that q8_0 holds there, got 1e\\+08"),
    ],
)
def test_weights_that_a_kind_cannot_hold_stop_the_export_name_the_shard_and_leave_nothing(
    value: float, kinds: tuple[str, ...], words: str, new_llama: Callable[..., Any], tokenizer: Any, tmp_path: Path
) -> None:
    import torch

    broken = new_llama()
    with torch.no_grad():
        broken.model.layers[1].mlp.up_proj.weight[0, 0] = value
    broken.save_pretrained(tmp_path / "model", max_shard_size="60KB")
    tokenizer.save_pretrained(tmp_path / "model")
    index = json.loads((tmp_path / "model" / "model.safetensors.index.json").read_text())["weight_map"]
    shard = index["model.layers.1.mlp.up_proj.weight"]
    assert len(set(index.values())) > 1
    out = tmp_path / "out"
    with pytest.raises(RunError, match=rf"^{tmp_path}/model/{shard}: {LAYER}: {words}"):
        write_gguf(*open_trained(tmp_path / "model"), {kind: out / f"{kind}.gguf" for kind in kinds}, ORIGIN)
    assert list(out.iterdir()) == []


def test_an_adapter_with_nan_is_named_and_not_its_base(run_folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    adapter = Path(shutil.copytree(run_folder, tmp_path / "run")) / "adapter" / "adapter_model.safetensors"
    tensors = load_file(adapter)
    name = next(name for name in tensors if "layers.1.mlp.up_proj.lora_B" in name)
    tensors[name][0, 0] = float("nan")
    save_file(tensors, adapter)
    with pytest.raises(RunError, match=rf"^{adapter}: {LAYER}: expected numbers, got NaN"):
        write_gguf(*open_trained(tmp_path / "run"), {"f16": tmp_path / "m.gguf"}, ORIGIN)


def test_a_full_disk_is_named_and_leaves_nothing(
    model: Any, tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(RunError, match="no space left"):
        write_as(model, tokenizer, tmp_path / "m.gguf", ORIGIN)
    assert list(tmp_path.iterdir()) == []


def test_q8_0_is_llama_cpps_own_and_leaves_no_other_file(model: Any, tokenizer: Any, tmp_path: Path) -> None:
    write_as(model, tokenizer, tmp_path / "f16.gguf", ORIGIN)
    quantise(tmp_path / "f16.gguf", tmp_path / "q8.gguf", "q8_0")
    fields, tensors = _read(tmp_path / "q8.gguf")
    assert fields["general.file_type"] == 7
    assert {t.tensor_type.name for t in tensors.values() if len(t.shape) == 2} == {"Q8_0"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f16.gguf", "q8.gguf"]


def test_quantising_a_broken_file_is_a_clear_error_and_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "f16.gguf"
    source.write_bytes(b"GGUF and then nothing of the kind")
    with pytest.raises(RunError, match=r"could not write q8_0 from f16\.gguf"):
        quantise(source, tmp_path / "q8.gguf", "q8_0")
    assert list(tmp_path.iterdir()) == [source]


ROPE = {"rope_theta": 10000.0}
LONG = "a plate of 50 x 30 x 5 mm with holes of 4 mm, and a ball of 12 mm, please; " * 3


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("mistral", {"sliding_window": None}),
        ("qwen3", {"head_dim": 32}),
        (
            "qwen2",
            {"rope_parameters": ROPE | {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}},
        ),
        ("gemma3_text", {"head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 16}),
        (
            "gemma3_text",
            {"head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 16}
            | {"layer_types": ["sliding_attention", "full_attention"] * 2, "final_logit_softcapping": 30.0},
        ),
    ],
    ids=["mistral", "qwen3", "yarn", "gemma3", "gemma3 with every second layer global"],
)
def test_llama_cpp_computes_the_same_logits_for_every_architecture(
    kind: str, changes: Any, tokenizer: Any, tmp_path: Path
) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes = {
        **{"vocab_size": len(tokenizer) + 7, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 4},
        **{"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512},
        **{"initializer_range": 0.15, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": None},
    }
    torch.manual_seed(3)
    random = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **(sizes | changes))).eval()
    write_as(random, tokenizer, tmp_path / "m.gguf", ORIGIN)
    figures = prove_file(tmp_path / "m.gguf", "f16", random, tokenizer, [Question(LONG)]).figures
    assert (figures.template_equal, figures.tokens_equal) == (1, 1)
    assert max(figures.max_kl, figures.probe_kl) < 1e-3
