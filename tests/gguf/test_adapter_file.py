"""The adapter's own file on the base's file must say what the merged file says."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cadmonkey.errors import InputError
from cadmonkey.gguf.adapter_file import write_adapter
from cadmonkey.gguf.origin import Origin
from cadmonkey.gguf.tokenizer import StoredTokenizer
from cadmonkey.gguf.trained import open_model
from cadmonkey.gguf.write import write_gguf
from tests.gguf.test_adapter import LINEAR, make_adapter

torch = pytest.importorskip("torch", reason="export needs the train extra")

SOURCE = Path(os.environ.get("LLAMA_CPP_SOURCE", Path(sys.prefix) / "llama.cpp"))
ORIGIN = Origin(name="tiny", base_model="owner/base")
PROMPT = list(range(3, 60))


def _logits(path: Path, adapter: Path | None = None) -> Any:
    """Return llama.cpp's logits after each token of PROMPT."""
    import llama_cpp

    from cadmonkey.gguf.quantise import silence_llama_cpp

    silence_llama_cpp()
    lora = str(adapter) if adapter else None
    llama = llama_cpp.Llama(str(path), lora_path=lora, n_ctx=128, logits_all=True, verbose=False)
    try:
        llama.eval(PROMPT)
        return np.array(llama.scores[: len(PROMPT)])
    finally:
        llama.close()


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    from gguf import GGUFReader

    reader = GGUFReader(path)
    fields = {key: field.contents() for key, field in reader.fields.items() if not key.startswith("GGUF.")}
    return fields, {t.name: np.array(t.data) for t in reader.tensors}


def _save_base(folder: Path, kind: str, tokenizer: Any, *, tied: bool = False) -> Path:
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes = {
        **{"vocab_size": len(tokenizer) + 5, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2},
        **{"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512, "pad_token_id": None},
        **{"initializer_range": 0.15, "tie_word_embeddings": tied, "head_dim": 16, "query_pre_attn_scalar": 16},
    }
    torch.manual_seed(3)
    AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **sizes)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("llama", {}),
        ("llama", {"use_rslora": True}),
        ("llama", {"rank_pattern": {"q_proj": 2}, "alpha_pattern": {"down_proj": 20}}),
        ("llama", {"target_modules": ["k_proj", "lm_head", "embed_tokens"]}),
        ("qwen2", {}),
        ("qwen3", {"use_rslora": True}),
        ("gemma3_text", {"target_modules": ["q_proj", "up_proj"]}),
    ],
    ids=["llama", "rslora", "patterns", "head and embedding", "qwen2", "qwen3", "gemma3"],
)
def test_base_and_adapter_say_what_the_merged_file_says(
    kind: str, options: dict[str, Any], tokenizer: Any, tmp_path: Path
) -> None:
    base = _save_base(tmp_path / "base", kind, tokenizer)
    adapter = make_adapter(base, tmp_path / "adapter", **options)
    stored = StoredTokenizer(base)
    write_gguf(open_model(base), stored, {"f16": tmp_path / "base.gguf"}, ORIGIN)
    write_gguf(open_model(base, adapter), stored, {"f16": tmp_path / "merged.gguf"}, ORIGIN)
    write_adapter(open_model(base, adapter), tmp_path / "adapter.gguf", ORIGIN)
    plain, wanted = _logits(tmp_path / "base.gguf"), _logits(tmp_path / "merged.gguf")
    got = _logits(tmp_path / "base.gguf", tmp_path / "adapter.gguf")
    changed, off = np.abs(wanted - plain).mean(), np.abs(got - wanted).mean()
    assert off < 0.005 * changed
    assert np.abs(got - wanted).max() < 0.02 * np.abs(wanted - plain).max()


def test_the_file_is_that_of_llama_cpps_own_converter(tokenizer: Any, tmp_path: Path) -> None:
    program = SOURCE / "convert_lora_to_gguf.py"
    if not program.is_file():
        pytest.skip("llama.cpp's convert_lora_to_gguf.py is not here; `make oracle` fetches it")
    base = _save_base(tmp_path / "base", "llama", tokenizer)
    adapter = make_adapter(base, tmp_path / "adapter", lora_alpha=24)
    write_adapter(open_model(base, adapter), tmp_path / "ours.gguf", ORIGIN)
    options = ["--base", base, "--outtype", "f16", "--outfile", tmp_path / "theirs.gguf"]
    done = subprocess.run(
        [sys.executable, program, *options, adapter],
        env=os.environ | {"PYTHONPATH": str(SOURCE / "gguf-py")},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (fields, ours), (wanted, theirs) = _read(tmp_path / "ours.gguf"), _read(tmp_path / "theirs.gguf")
    assert ours.keys() == theirs.keys()
    assert len(ours) == 2 * 2 * len(LINEAR)
    assert [name for name, data in ours.items() if not np.array_equal(data, theirs[name])] == []
    for key in ("general.type", "general.architecture", "adapter.type", "adapter.lora.alpha"):
        assert fields[key] == wanted[key], key


@pytest.mark.parametrize(
    ("options", "tied", "message"),
    [
        ({"use_dora": True}, False, "got the magnitudes of DoRA in model.layers.0"),
        ({"trainable_token_indices": [3]}, True, "got trained token rows in model.embed_tokens.weight"),
        ({"modules_to_save": ["lm_head"]}, False, "got a tensor that was trained whole .* in lm_head.weight"),
        ({"target_modules": ["q_proj", "lm_head"]}, True, "got a change of a tied head or embedding alone"),
    ],
    ids=["dora", "token rows", "saved module", "tied head"],
)
def test_what_a_gguf_adapter_cannot_hold_is_named_in_one_line(
    options: dict[str, Any], tied: bool, message: str, tokenizer: Any, tmp_path: Path
) -> None:
    base = _save_base(tmp_path / "base", "llama", tokenizer, tied=tied)
    adapter = make_adapter(base, tmp_path / "adapter", **options)
    with pytest.raises(InputError, match=f"--adapter: expected plain LoRA, .*{message}") as caught:
        write_adapter(open_model(base, adapter), tmp_path / "adapter.gguf", ORIGIN)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "adapter.gguf").exists()


def test_a_model_trained_whole_has_no_adapter(tokenizer: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got a model that was trained whole"):
        write_adapter(open_model(_save_base(tmp_path, "llama", tokenizer)), tmp_path / "adapter.gguf", ORIGIN)
