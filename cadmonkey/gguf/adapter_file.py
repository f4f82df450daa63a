"""A LoRA adapter as a GGUF file of its own, which llama.cpp adds to the base model's file when it loads it (--lora)."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadmonkey.errors import InputError
from cadmonkey.files import atomic_path
from cadmonkey.gguf.adapter import Change, LowRank
from cadmonkey.gguf.architecture import EMBEDDING, HEAD, as_llama_has_it, llama_names
from cadmonkey.gguf.config import ModelConfig
from cadmonkey.gguf.origin import Origin
from cadmonkey.gguf.trained import TrainedModel, TrainedTensor, holds_the_same
from cadmonkey.gguf.write import write_descent

if TYPE_CHECKING:
    import numpy as np

FILE_NAME = "adapter.gguf"


def check_adapter(model: TrainedModel) -> None:
    """Find out before any work that what was trained cannot be a file of its own.

    Raises:
        InputError: nothing was changed, or something that is no product of two thin matrices.
    """
    _pairs(model)


def write_adapter(model: TrainedModel, path: Path, origin: Origin) -> None:
    """Write the change of every matrix as its two thin factors in 16 bits, the file whole or not at all.

    The file is used on a GGUF file of the base model, of any kind: `llama-cli -m base.gguf --lora adapter.gguf`.

    Raises:
        InputError: as `check_adapter`, or `path` cannot be written.
        RunError: the disk is full.
    """
    import numpy as np
    from gguf import GGUFType, GGUFWriter, Keys

    pairs = _pairs(model)
    alpha = next((pair.scale * pair.a.shape[0] for pair in pairs.values() if pair.scale), 1.0)
    names = llama_names(model.config)
    with atomic_path(path) as temporary:
        writer = GGUFWriter(temporary, model.config.architecture)
        for name, pair in pairs.items():
            for side, (rows, columns) in _shapes(pair).items():
                size = rows * columns * np.dtype(np.float16).itemsize
                writer.add_tensor_info(f"{names[name]}.lora_{side}", (rows, columns), np.dtype(np.float16), size)
        writer.add_type(GGUFType.ADAPTER)
        write_descent(writer, origin, "f16")
        writer.add_string(Keys.Adapter.TYPE, "lora")
        writer.add_float32(Keys.Adapter.LORA_ALPHA, alpha)
        try:
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_ti_data_to_file()
            for name, pair in pairs.items():
                for factor in _factors(name, pair, alpha, model.config).values():
                    writer.write_tensor_data(factor)
        finally:
            writer.close()


def _pairs(model: TrainedModel) -> dict[str, LowRank]:
    """Return the two factors of every matrix that was changed."""
    pairs = {name: _low_rank(tensor, tensor.change) for name, tensor in model.tensors.items() if tensor.change}
    if not pairs:
        raise InputError("--adapter: expected a run with a LoRA adapter, got a model that was trained whole")
    if HEAD in model.tensors and model.tensors[HEAD].stored == model.tensors[EMBEDDING].stored:
        raise _inexpressible("a change of a tied head or embedding alone")
    return pairs


def _low_rank(tensor: TrainedTensor, change: Change) -> LowRank:
    """Return the two factors of a change; PEFT saves the base's own embedding beside those of an embedding.

    Raises:
        InputError: it is more than their product.
    """
    whole = change.replaced is not None and not (change.low_rank and holds_the_same(change.replaced, tensor.stored))
    kinds = {
        "a tensor that was trained whole (modules_to_save or bias)": whole,
        "a trained bias (lora_bias)": change.added is not None,
        "trained token rows": change.token_rows is not None,
        "the magnitudes of DoRA": change.low_rank is not None and change.low_rank.magnitude is not None,
    }
    if found := [kind for kind, is_there in kinds.items() if is_there]:
        raise _inexpressible(f"{found[0]} in {tensor.stored.name}")
    assert change.low_rank is not None
    return change.low_rank


def _inexpressible(what: str) -> InputError:
    return InputError(
        f"--adapter: expected plain LoRA, which is all that a GGUF adapter can hold, got {what}; "
        "leave the flag out: the merged files hold everything"
    )


def _shapes(pair: LowRank) -> Mapping[str, tuple[int, ...]]:
    """Return the factors' shapes in the file; llama.cpp looks the rows of an embedding up in A, a token's in each."""
    if pair.of_embedding:
        return {"a": pair.a.shape[::-1], "b": pair.b.shape}
    return {"a": pair.a.shape, "b": pair.b.shape}


def _factors(name: str, pair: LowRank, alpha: float, config: ModelConfig) -> "Mapping[str, np.ndarray[Any, Any]]":
    """Return A and B as llama.cpp expects them.

    It scales every product by the file's one alpha over the product's own rank; where the trained scale is another
    (rsLoRA has that in common, patterns of ranks and alphas have not), B takes up the difference.
    """
    import numpy as np

    a, b = pair.a.rows(), pair.b.rows()
    ratio = pair.scale * pair.a.shape[0] / alpha
    b = as_llama_has_it(name, b if ratio == 1 else b * np.float32(ratio), config)
    a = np.ascontiguousarray(a.T) if pair.of_embedding else a
    return {"a": a.astype(np.float16), "b": b.astype(np.float16)}
