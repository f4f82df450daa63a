"""llama.cpp's own converter is the reference: same tensors bit for bit, same metadata but for known differences.

`make oracle` fetches it into .venv/llama.cpp; LLAMA_CPP_SOURCE may name another copy.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cadmonkey.data.chat import freeze_template
from cadmonkey.gguf.origin import read_origin
from cadmonkey.gguf.trained import open_trained
from cadmonkey.gguf.write import write_gguf

pytest.importorskip("torch", reason="export needs the train extra")

SOURCE = Path(os.environ.get("LLAMA_CPP_SOURCE", Path(sys.prefix) / "llama.cpp"))
NANO = Path(__file__).parents[2] / "cadmonkey" / "assets" / "nano"

pytestmark = [
    pytest.mark.skipif(not SOURCE.is_dir(), reason="llama.cpp's converter is not here; `make oracle` fetches it"),
    pytest.mark.skipif(find_spec("sentencepiece") is None, reason="llama.cpp's converter imports sentencepiece"),
]

# What may differ, exactly, and why. Of every file of ours:
TAGS = "general.tags"  # what the model is for; the converter knows none without a card
NAME = "general.name"  # the converter writes the folder's name as a title

# Keys of ours alone, by architecture: llama.cpp's defaults, spelled out.
HEADS = {"attention.key_length", "attention.value_length"}
OURS_BY_MODEL: dict[str, set[str]] = {
    "llama": set(),
    "mistral": set(),
    "qwen2": {*HEADS, "rope.dimension_count", "vocab_size"},
    "qwen3": {"rope.dimension_count", "vocab_size"},
    "gemma3_text": {"rope.dimension_count", "vocab_size"},
}
# By tokenizer: the ends of turn and message, which llama.cpp else guesses from the tokens' names, and what it assumes
# of SentencePiece.
OURS_BY_TOKENIZER = {
    "llama-3.2": {"eot_token_id", "eom_token_id"},
    "nano": {"eot_token_id", "eom_token_id"},
    "qwen2.5": {"eot_token_id"},
    "pieces": {"eot_token_id", "add_bos_token", "add_space_prefix"},
    "gemma": {"eot_token_id", "add_bos_token"},
}
# The converter's alone: two flags that are false with or without it, and the mask, which no model that writes from left
# to right ever sees.
REFERENCE_BY_TOKENIZER: dict[str, set[str]] = {
    "llama-3.2": {"add_eos_token", "add_sep_token"},
    "nano": {"add_sep_token"},
    "qwen2.5": {"add_eos_token"},
    "pieces": set(),
    "gemma": {"mask_token_id"},
}

SIZES = {
    **{"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 7, "num_attention_heads": 4},
    **{"num_key_value_heads": 2, "max_position_embeddings": 1024, "initializer_range": 0.1},
}
LLAMA3_ROPE = {
    **{"rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0, "low_freq_factor": 1.0},
    **{"high_freq_factor": 4.0, "original_max_position_embeddings": 64},
}
YARN = {"rope_type": "yarn", "rope_theta": 1e6, "factor": 4.0, "original_max_position_embeddings": 256}
LINEAR = {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0}
GEMMA_ROPE = {
    "full_attention": {"rope_type": "linear", "rope_theta": 1e6, "factor": 8.0},
    "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
}


@dataclass(frozen=True)
class Case:
    """One model for both converters."""

    model_type: str
    tokenizer: str
    kind: str = "f16"
    shards: str = "1GB"
    config: dict[str, Any] = field(default_factory=dict)


CASES = {
    "llama-llama32": Case("llama", "llama-3.2", config={"tie_word_embeddings": True, "rope_parameters": LLAMA3_ROPE}),
    "qwen2-qwen25": Case("qwen2", "qwen2.5"),
    "qwen3-qwen25": Case("qwen3", "qwen2.5", config={"head_dim": 32, "tie_word_embeddings": True}),
    "llama-nano-f32": Case("llama", "nano", "f32", config={"attention_bias": True, "head_dim": 32}),
    "llama-nano-bf16": Case("llama", "nano", "bf16", config={"rope_parameters": LINEAR, "mlp_bias": True}),
    "llama-nano-q8_0": Case("llama", "nano", "q8_0", "64KB"),
    "qwen2-pieces-yarn": Case("qwen2", "pieces", config={"rope_parameters": YARN}),
    "qwen3-nano-yarn": Case("qwen3", "nano", "bf16", config={"rope_parameters": YARN, "head_dim": 16}),
    "llama-pieces": Case("llama", "pieces"),
    "mistral-pieces": Case("mistral", "pieces", "q8_0", config={"sliding_window": None}),
    "gemma3-pieces": Case("gemma3_text", "gemma", config={"head_dim": 32, "query_pre_attn_scalar": 32}),
    "gemma3-linear": Case(
        "gemma3_text",
        "gemma",
        "bf16",
        "64KB",
        {"head_dim": 16, "query_pre_attn_scalar": 16, "rope_parameters": GEMMA_ROPE, "sliding_window": 32},
    ),
}


GEMMA_PIECES = {
    **{"pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3, "pad_piece": "<pad>", "eos_piece": "<eos>"},
    **{"bos_piece": "<bos>", "control_symbols": ["<mask>"]},
}


def save_pieces(folder: Path, *, gemma: bool) -> None:
    """Train a SentencePiece tokenizer, and save it as transformers does beside its tokenizer.model."""
    import sentencepiece
    from transformers import AutoTokenizer

    source = folder / "source"
    source.mkdir(parents=True)
    words = ["cube([10, 20, 5]);", "hey cadmonkey, create me a plate", "cylinder(d = 4, h = 25); Größe für 10 mm"] * 9
    sentencepiece.SentencePieceTrainer.train(
        **{"sentence_iterator": iter(words), "model_prefix": str(source / "tokenizer"), "model_type": "bpe"},
        **{"vocab_size": 360, "byte_fallback": True, "hard_vocab_limit": False, "minloglevel": 2},
        **{"normalization_rule_name": "identity", "remove_extra_whitespaces": False},
        **(GEMMA_PIECES if gemma else {}),
    )
    ends = ("<bos>", "<eos>") if gemma else ("<s>", "</s>")
    names = {"bos_token": ends[0], "eos_token": ends[1], "unk_token": "<unk>", "pad_token": "<unk>"}
    kind = {"tokenizer_class": "GemmaTokenizer" if gemma else "LlamaTokenizer", "legacy": True}
    (source / "tokenizer_config.json").write_text(json.dumps(kind | names))
    (source / "config.json").write_text('{"model_type": "llama"}')
    tokenizer = AutoTokenizer.from_pretrained(source)
    tokenizer.chat_template = "{{ bos_token }}{% for m in messages %}[{{ m['content'] }}]{{ eos_token }}{% endfor %}"
    tokenizer.save_pretrained(folder)
    shutil.move(source / "tokenizer.model", folder / "tokenizer.model")
    shutil.rmtree(source)


def save_case(case: Case, folder: Path, tokenizers: Path) -> None:
    """Save a random model of the case, in bfloat16, with its tokenizer."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    if case.tokenizer in ("pieces", "gemma"):
        save_pieces(folder, gemma=case.tokenizer == "gemma")
    else:
        source = NANO if case.tokenizer == "nano" else tokenizers / case.tokenizer
        shutil.copytree(
            source, folder, ignore=lambda _, names: {n for n in names if "token" not in n and "chat" not in n}
        )
    tokenizer = AutoTokenizer.from_pretrained(source if case.tokenizer not in ("pieces", "gemma") else folder)
    rows = {"llama-3.2": 128256, "qwen2.5": 151936}.get(case.tokenizer, len(tokenizer))
    ids = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": None}
    torch.manual_seed(0)
    config = AutoConfig.for_model(case.model_type, **(SIZES | {"vocab_size": rows} | ids | case.config))
    AutoModelForCausalLM.from_config(config).to(torch.bfloat16).save_pretrained(folder, max_shard_size=case.shards)


RUN_CONVERTER = """
import json, runpy, sys
import conversion.base as base
known = base.TextModel.get_vocab_base_pre
for arguments, pre in json.loads(sys.argv[1]):
    base.TextModel.get_vocab_base_pre = known if pre is None else lambda self, tokenizer, pre=pre: pre
    sys.argv = ["convert_hf_to_gguf.py", *arguments]
    runpy.run_path(f"{sys.path[0]}/../convert_hf_to_gguf.py", run_name="__main__")
"""


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Callable[[str], tuple[Path, Path]]:
    """Returns a case's folder and the file that llama.cpp's converter made of it; one process makes them all."""
    root, tokenizers = tmp_path_factory.mktemp("oracle"), repository.parent / "shared" / "data" / "tokenizers"
    jobs = []
    for name, case in CASES.items():
        if case.tokenizer in ("nano", "pieces", "gemma") or (tokenizers / case.tokenizer).is_dir():
            save_case(case, root / name, tokenizers)
            out = ["--outfile", str(root / f"{name}.gguf"), "--outtype", case.kind]
            # the converter knows tokenizers by a hash of what they make of one text; ours it cannot know
            jobs.append(([str(root / name), *out], "qwen2" if case.tokenizer == "nano" else None))
    paths = os.pathsep.join([str(SOURCE / "gguf-py"), str(SOURCE)])
    done = subprocess.run(
        [sys.executable, "-c", RUN_CONVERTER, json.dumps(jobs)],
        env=os.environ | {"PYTHONPATH": paths, "PYTHONSAFEPATH": "1"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]

    def find(name: str) -> tuple[Path, Path]:
        if not (root / name).is_dir():
            pytest.skip("needs ../shared/data, real tokenizers that are not part of the project")
        return root / name, root / f"{name}.gguf"

    return find


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    from gguf import GGUFReader

    reader = GGUFReader(path)
    fields = {key: field.contents() for key, field in reader.fields.items() if not key.startswith("GGUF.")}
    return fields, {t.name: (t.tensor_type, np.array(t.data)) for t in reader.tensors}


def _short(keys: Iterable[str], architecture: str) -> set[str]:
    return {key.removeprefix(f"{architecture}.").removeprefix("tokenizer.ggml.") for key in keys}


@pytest.mark.parametrize("name", CASES)
def test_the_file_equals_that_of_llama_cpps_converter(
    name: str, converted: Callable[[str], tuple[Path, Path]], tmp_path: Path
) -> None:
    case, (folder, reference) = CASES[name], converted(name)
    write_gguf(*open_trained(folder), {case.kind: tmp_path / "ours.gguf"}, read_origin(folder))
    (fields, tensors), (wanted_fields, wanted) = _read(tmp_path / "ours.gguf"), _read(reference)
    assert tensors.keys() == wanted.keys()
    assert [
        n for n, (kind, data) in tensors.items() if kind != wanted[n][0] or not np.array_equal(data, wanted[n][1])
    ] == []
    architecture = wanted_fields["general.architecture"]
    ours = _short(fields.keys() - wanted_fields.keys(), architecture)
    assert ours == {TAGS} | OURS_BY_MODEL[case.model_type] | OURS_BY_TOKENIZER[case.tokenizer]
    reference_alone = wanted_fields.keys() - fields.keys()
    assert _short(reference_alone, architecture) == REFERENCE_BY_TOKENIZER[case.tokenizer]
    assert not any(wanted_fields[key] for key in reference_alone if "mask" not in key)
    # Llama 3's template asks for today's date, ours has a fixed one
    wanted_fields["tokenizer.chat_template"] = freeze_template(wanted_fields["tokenizer.chat_template"])
    common = fields.keys() & wanted_fields.keys()
    assert {key for key in common if fields[key] != wanted_fields[key]} == {NAME}
