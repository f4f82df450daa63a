"""The trained model as one piece: base model and adapter, merged in memory, or the model that was trained whole."""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from cadmonkey.errors import InputError
from cadmonkey.gguf.config import read_config
from cadmonkey.gguf.folders import trained_parts

FLOAT32_UP_TO_BYTES = 6 * 2**30
"""Weight files up to this size (3B parameters in 16 bits) are merged in float32: no rounding, twice the memory."""

_Result = TypeVar("_Result")


def load_merged(folder: Path, base: Path | None = None) -> tuple[Any, Any]:
    """Return (model, tokenizer) of a run or adapter folder, the adapter merged into its base, or of a model folder.

    A run of full fine-tuning has its weights in model/ and needs no base. See `base_folder` for `base`.

    Raises:
        InputError: the folder is no such folder, a file in it is broken, or the adapter belongs to another model.
    """
    parts = trained_parts(folder, base)
    tokenizer = _load_tokenizer(parts.tokenizer)
    model = _load_model(parts.weights)
    return (model if parts.adapter is None else _merge(model, parts.adapter)), tokenizer


def to_fastest_device(model: Any) -> Any:
    """Return the model on the GPU where there is one."""
    import torch

    return model.to("cuda") if torch.cuda.is_available() else model


def _load_tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    if not (folder / "tokenizer.json").is_file():
        raise InputError(f"{folder / 'tokenizer.json'}: expected the model's tokenizer, got no such file")
    return _explained(folder, "a tokenizer", lambda: AutoTokenizer.from_pretrained(folder, local_files_only=True))


def _load_model(folder: Path) -> Any:
    """Load the weights, and make sure that every one of them came from the files."""
    from transformers import AutoModelForCausalLM

    read_config(folder)
    model, report = _explained(
        folder,
        "a model",
        lambda: AutoModelForCausalLM.from_pretrained(
            folder, dtype=_dtype(folder), local_files_only=True, output_loading_info=True
        ),
    )
    if missing := sorted(report["missing_keys"]):
        raise InputError(f"{folder}: expected all weights of the model, {len(missing)} are missing, e.g. {missing[0]}")
    return model.eval()


def _dtype(folder: Path) -> Any:
    import torch

    size_bytes = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    return torch.float32 if size_bytes <= FLOAT32_UP_TO_BYTES else torch.bfloat16


def _merge(model: Any, adapter: Path) -> Any:
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # PEFT loads it; it warns of a kernel that a CPU lacks
    from peft import PeftModel

    name = model.config.name_or_path
    adapted = _explained(adapter, f"an adapter of {name}", lambda: PeftModel.from_pretrained(model, adapter))
    if stray := _misplaced(adapted, adapter):
        raise InputError(
            f"{adapter}: expected an adapter of {name}, got another model's: {len(stray)} tensors are in only one of "
            f"the two, e.g. {stray[0]}"
        )
    _part_tied_head(adapted)
    return _explained(adapter, f"an adapter of {name}", lambda: adapted.merge_and_unload(safe_merge=True).eval())


def _part_tied_head(adapted: Any) -> None:
    """Give a tied head its own numbers where it or the embedding is changed alone: PEFT would merge that into both.

    LoRA on one of the two is such a change, and so are token rows of the head; rows of the embedding count for both.
    """
    import torch
    from peft.tuners.lora import LoraLayer

    layers = [adapted.get_output_embeddings(), adapted.get_input_embeddings()]
    head, embedding = (_innermost(layer) for layer in layers)
    has_own_rows = any("lm_head.token_adapter." in name for name, _ in adapted.named_parameters())
    if (has_own_rows or any(isinstance(layer, LoraLayer) for layer in layers)) and head.weight is embedding.weight:
        head.weight = torch.nn.Parameter(head.weight.detach().clone(), requires_grad=False)
        adapted.config.tie_word_embeddings = False


def _innermost(layer: Any) -> Any:
    """Return the base's own layer beneath PEFT's token rows and LoRA."""
    layer = getattr(layer, "token_adapter", layer)
    return getattr(layer, "base_layer", layer)


def _misplaced(adapted: Any, adapter: Path) -> list[str]:
    """Return the LoRA tensors that only the file or only the model has; PEFT passes over both with a warning at most.

    Tensors of other kinds are left out: PEFT stores those of a tied head and embedding once or twice, by version.
    """
    from peft import get_peft_model_state_dict
    from safetensors import safe_open

    with safe_open(adapter / "adapter_model.safetensors", framework="pt") as file:
        saved = set(file.keys())
    placed = set(get_peft_model_state_dict(adapted, save_embedding_layers=False))
    return sorted(key for key in saved ^ placed if ".lora_" in key)


def _explained(folder: Path, expected: str, load: Callable[[], _Result]) -> _Result:
    """Run `load`; the libraries raise a dozen kinds of errors for a broken file, and all mean the same to a user."""
    try:
        with quiet_transformers(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return load()
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{folder}: expected {expected}, got: {_one_line(str(error))}") from error


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep the bars and load reports off the terminal; what they would say is checked and raised here."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
