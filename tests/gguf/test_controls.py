"""Negative controls: each planted fault fails its proof for what was planted, in 16 and in 4 bits; true files pass."""

import copy
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.gguf.origin import Origin
from cadmonkey.gguf.proof import FileProof
from tests.conftest import REPOSITORY
from tests.gguf.conftest import for_one_turn

KINDS = ("f16", "q4_k_m")
TEXT, IDS, BOS = "the chat template", "other token ids", "not exactly one BOS"
END, ANSWERS, DIVERGENCE, TENSOR = "another end token", "the same greedy answer", "a mean divergence", "another tensor"
VOCABULARY, METADATA = "another vocabulary", "other metadata"

Write = Callable[[Any, Any, Path], None]


@pytest.fixture(scope="module")
def nano() -> tuple[Any, Any]:
    """The shipped model and its tokenizer."""
    from cadmonkey.gguf.merge import load_merged

    return load_merged(REPOSITORY / "cadmonkey" / "assets" / "nano")


@pytest.fixture(scope="module")
def original(nano: tuple[Any, Any]) -> Any:
    """What the files of the shipped model are compared with, on a few unseen parts."""
    from cadmonkey.data.rows import make_rows
    from cadmonkey.gguf.original import Original
    from cadmonkey.gguf.questions import Question
    from cadmonkey.parts import PLAIN

    rows = make_rows(12, seed=77, split="test", mix=PLAIN)
    return Original(*nano, [Question(row["prompt"], row["completion"], tuple(row["stated"])) for row in rows])


def prove_folder(
    folder: Path, kinds: Sequence[str], original: Any, out: Path, importance: Any = None
) -> list[FileProof]:
    """Write a model or run folder in each kind, and prove the files against another model."""
    from cadmonkey.gguf.prove import prove_against
    from cadmonkey.gguf.release import write_files
    from cadmonkey.gguf.trained import open_trained

    out.mkdir()
    write_files(*open_trained(folder), out, kinds, Origin(name="control"), importance=importance)
    imatrix = importance and importance.imatrix
    return [prove_against(out / f"model-{kind}.gguf", kind, original, imatrix) for kind in kinds]


def prove_written(model: Any, tokenizer: Any, original: Any, tmp_path: Path, kinds: Sequence[str]) -> list[FileProof]:
    """The same for a model and a tokenizer in memory."""
    model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    return prove_folder(tmp_path / "model", kinds, original, tmp_path / "out")


def randomise(model: Any) -> None:
    import torch

    torch.manual_seed(3)
    for parameter in model.parameters():
        parameter.data.normal_(std=0.02)


def unpermute(model: Any) -> None:
    """Make the writer's own order of the rows of one query matrix come out as transformers has it."""
    import numpy as np

    from cadmonkey.gguf.architecture import interleave

    weight = model.model.layers[1].self_attn.q_proj.weight.data
    order = interleave(np.arange(len(weight))[:, None], model.config.num_attention_heads)[:, 0]
    weight.copy_(weight[np.argsort(order)].clone())


def swap_layers(model: Any) -> None:
    layers = model.model.layers
    layers[1], layers[2] = layers[2], layers[1]


def scale(factor: float) -> Callable[[Any], None]:
    def fault(model: Any) -> None:
        model.model.layers[2].mlp.up_proj.weight.data.mul_(factor)

    return fault


def swap_two_rows(model: Any) -> None:
    weight = model.model.layers[0].mlp.down_proj.weight.data
    weight[[0, 1]] = weight[[1, 0]].clone()


def swap_two_columns(model: Any) -> None:
    weight = model.model.layers[0].mlp.down_proj.weight.data
    weight[:, [0, 1]] = weight[:, [1, 0]].clone()


def swap_two_key_rows(model: Any) -> None:
    weight = model.model.layers[1].self_attn.k_proj.weight.data
    weight[[2, 3]] = weight[[3, 2]].clone()


def wrong_base_frequency(model: Any) -> None:
    model.config.rope_parameters = {"rope_type": "default", "rope_theta": 500000.0}


def wrong_scaling(model: Any) -> None:
    model.config.rope_parameters = {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0}


def wrong_epsilon(model: Any) -> None:
    model.config.rms_norm_eps = 0.05


MODELS = {
    "random weights": (randomise, (ANSWERS, DIVERGENCE, TENSOR)),
    "query rows unpermuted": (unpermute, (TENSOR,)),
    "two layers swapped": (swap_layers, (TENSOR,)),
    "one matrix 3 % too large": (scale(1.03), (TENSOR,)),
    "one matrix 3 % too small": (scale(0.97), (TENSOR,)),
    "two rows swapped": (swap_two_rows, (TENSOR,)),
    "two key rows swapped": (swap_two_key_rows, (TENSOR,)),
    "two columns swapped": (swap_two_columns, (TENSOR,)),
    "another base frequency": (wrong_base_frequency, (ANSWERS, DIVERGENCE)),
    "rotations stretched": (wrong_scaling, (ANSWERS, DIVERGENCE)),
    "another epsilon in the norms": (wrong_epsilon, (DIVERGENCE,)),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_file_of_another_model_is_unproven_for_what_was_planted(
    name: str, nano: tuple[Any, Any], original: Any, tmp_path: Path
) -> None:
    fault, reasons = MODELS[name]
    model = copy.deepcopy(nano[0])
    fault(model)
    for proof in prove_written(model, nano[1], original, tmp_path, ("q8_0", *KINDS)):
        assert not proof.proven, proof.quant
        for reason in reasons:
            assert any(line.startswith(reason) for line in proof.reasons), (proof.quant, reason, proof.reasons)


def change_spec(change: Callable[[dict[str, Any]], None]) -> Callable[[Any], Any]:
    """Make a fault of what changes a tokenizer.json."""

    def fault(tokenizer: Any) -> Any:
        from tokenizers import Tokenizer
        from transformers import PreTrainedTokenizerFast

        spec = json.loads(tokenizer.backend_tokenizer.to_str())
        change(spec)
        names = ("bos_token", "eos_token", "pad_token", "chat_template")
        return PreTrainedTokenizerFast(
            tokenizer_object=Tokenizer.from_str(json.dumps(spec)), **{name: getattr(tokenizer, name) for name in names}
        )

    return fault


def lose_a_merge(spec: dict[str, Any]) -> None:
    spec["model"]["merges"].pop(0)


def move_a_merge(spec: dict[str, Any]) -> None:
    """No prompt of ours touches it, so that nothing but the vocabulary itself can show it."""
    merges = spec["model"]["merges"]
    merges.append(merges.pop(-2))


def other_end(tokenizer: Any) -> Any:
    tokenizer.eos_token = "<|eom_id|>"
    return tokenizer


def other_template(tokenizer: Any) -> Any:
    tokenizer.chat_template = tokenizer.chat_template.replace(r"\n\n", r"\n")
    return tokenizer


def doubled_bos(tokenizer: Any) -> Any:
    tokenizer.chat_template = "{{ bos_token }}" + tokenizer.chat_template
    return tokenizer


def template_of_one_turn(tokenizer: Any) -> Any:
    """All questions have one turn, so that nothing but the text itself can show it."""
    tokenizer.chat_template = for_one_turn(tokenizer.chat_template)
    return tokenizer


TOKENIZERS = {
    "swapped end": (other_end, (END,)),
    "another template": (other_template, (TEXT,)),
    "a template for one turn only": (template_of_one_turn, (METADATA,)),
    "doubled BOS": (doubled_bos, (TEXT, IDS, BOS)),
    "one merge missing": (change_spec(lose_a_merge), (IDS, VOCABULARY)),
    "one merge moved to the end": (change_spec(move_a_merge), (VOCABULARY,)),
}


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_file_with_another_tokenizer_is_unproven_for_what_was_planted(
    name: str, nano: tuple[Any, Any], original: Any, tmp_path: Path
) -> None:
    fault, reasons = TOKENIZERS[name]
    for proof in prove_written(nano[0], fault(copy.deepcopy(nano[1])), original, tmp_path, KINDS):
        for reason in reasons:
            assert any(line.startswith(reason) for line in proof.reasons), (proof.quant, reason, proof.reasons)


@pytest.fixture(scope="module")
def merged(run_folder: Path) -> Any:
    """The trained run, merged by PEFT."""
    from cadmonkey.gguf.merge import load_merged
    from cadmonkey.gguf.original import Original
    from cadmonkey.gguf.questions import read_questions

    return Original(*load_merged(run_folder), read_questions(run_folder / "references.jsonl", 64, top_up=False))


def test_a_file_without_llama_3s_stretched_rotations_is_unproven(
    model: Any, tokenizer: Any, base_rows: list[dict[str, str]], tmp_path: Path
) -> None:
    from cadmonkey.gguf.original import Original
    from cadmonkey.gguf.questions import Question

    trained = Original(model, tokenizer, [Question(row["prompt"], row["completion"]) for row in base_rows])
    plain = copy.deepcopy(model)
    plain.config.rope_parameters = {"rope_type": "default", "rope_theta": 10000.0}
    for proof in prove_written(plain, tokenizer, trained, tmp_path, KINDS):
        assert "another tensor: rope_freqs.weight is in only one of the two" in proof.reasons, proof.quant


def without_merge(run: Path) -> Path:
    """Return the base with the run's tokenizer."""
    base = Path(json.loads((run / "recipe.json").read_text())["base_model"])
    folder = Path(shutil.copytree(base, run.parent / "unmerged"))
    for path in (run / "adapter").glob("*token*"):
        shutil.copy(path, folder)
    return folder


def without_scale(run: Path) -> Path:
    path = run / "adapter" / "adapter_config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"lora_alpha": config["r"]}))
    return run


def without_token_row(run: Path) -> Path:
    from safetensors.torch import load_file, save_file

    path = run / "adapter" / "adapter_model.safetensors"
    tensors = load_file(path)
    base = load_file(Path(json.loads((run / "recipe.json").read_text())["base_model"]) / "model.safetensors")
    config = json.loads((run / "adapter" / "adapter_config.json").read_text())
    ids = config["trainable_token_indices"]
    for name in tensors:
        if "trainable_tokens_delta" in name:
            tensors[name] = base["model.embed_tokens.weight"][ids].clone()
    save_file(tensors, path, {"format": "pt"})
    return run


RUNS = {
    "the base without its adapter": (without_merge, (ANSWERS, DIVERGENCE, TENSOR)),
    "LoRA unscaled": (without_scale, (TENSOR,)),
    "a trained token row missing": (without_token_row, (TENSOR,)),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_file_without_all_that_was_trained_is_unproven(
    name: str, run_folder: Path, merged: Any, tmp_path: Path
) -> None:
    fault, reasons = RUNS[name]
    run = Path(shutil.copytree(run_folder, tmp_path / "run"))
    for proof in prove_folder(fault(run), KINDS, merged, tmp_path / "out"):
        for reason in reasons:
            assert any(line.startswith(reason) for line in proof.reasons), (proof.quant, reason, proof.reasons)


def test_the_true_file_is_proven_in_each_kind(nano: tuple[Any, Any], original: Any, tmp_path: Path) -> None:
    kinds = (
        "f32",
        "f16",
        "bf16",
        "q8_0",
        "q6_k",
        "q5_k_m",
        "q5_0",
        "q4_k_m",
        "q4_0",
        "iq4_xs",
        "q3_k_m",
        "iq3_s",
        "q2_k",
    )
    proofs = prove_written(*nano, original, tmp_path, kinds)
    assert {proof.quant: proof.reasons for proof in proofs} == dict.fromkeys(kinds, ())


def test_the_true_file_that_needs_an_importance_matrix_is_proven(original: Any, tmp_path: Path) -> None:
    from cadmonkey.data.rows import make_rows
    from cadmonkey.gguf.config import read_config
    from cadmonkey.gguf.imatrix import Calibration, measure_importance
    from cadmonkey.parts import PLAIN

    nano = REPOSITORY / "cadmonkey" / "assets" / "nano"
    texts = Calibration("rows", list(make_rows(20, seed=5, split="train", mix=PLAIN)))
    importance = measure_importance(original.model, original.tokenizer, read_config(nano), texts)
    proofs = prove_folder(nano, ("iq3_xxs",), original, tmp_path / "out", importance)
    assert [proof.reasons for proof in proofs] == [()]


def test_the_trained_runs_files_are_proven(run_folder: Path, merged: Any, tmp_path: Path) -> None:
    for proof in prove_folder(run_folder, KINDS, merged, tmp_path / "out"):
        assert proof.reasons == ()
