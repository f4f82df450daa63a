"""The trained model on disk: its base's tensors with the adapter's changes, read by blocks of rows, never whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadmonkey.errors import InputError
from cadmonkey.gguf.adapter import Change, read_adapter, ties_break
from cadmonkey.gguf.architecture import EMBEDDING, HEAD, tensor_shapes
from cadmonkey.gguf.config import ModelConfig, read_config
from cadmonkey.gguf.folders import trained_parts
from cadmonkey.gguf.tokenizer import StoredTokenizer
from cadmonkey.gguf.weights import StoredTensor, find_weights

if TYPE_CHECKING:
    import numpy as np

_NEVER_NEEDED = (".rotary_emb.inv_freq", ".attention.masked_bias")
"""What old files hold beside the weights; it follows from the config."""

_ROWS_COMPARED = 1024


@dataclass(frozen=True)
class TrainedTensor:
    """One tensor of the trained model."""

    stored: StoredTensor
    change: Change | None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a matrix (rows, columns)."""
        return self.stored.shape

    def rows(self, start: int, stop: int) -> "np.ndarray[Any, Any]":
        """Return rows `start` to `stop` as a new float32 array, the adapter's change included."""
        rows = self.stored.rows(start, stop)
        return rows if self.change is None else self.change.apply(rows, start)


@dataclass(frozen=True)
class TrainedModel:
    """Config, and every tensor by transformers' name; a tied head is none."""

    config: ModelConfig
    tensors: dict[str, TrainedTensor]


def open_trained(folder: Path, base: Path | None = None) -> tuple[TrainedModel, StoredTokenizer]:
    """Open a run folder, with an adapter on its base or a model trained whole, an adapter folder or a model folder.

    `base` stands for the recorded base of an adapter.

    Raises:
        InputError: as `open_model` and `StoredTokenizer` do, or the folder is neither run nor adapter nor model.
    """
    parts = trained_parts(folder, base)
    return open_model(parts.weights, parts.adapter), StoredTokenizer(parts.tokenizer)


def open_model(folder: Path, adapter: Path | None = None) -> TrainedModel:
    """Open the model of `folder`, with the changes of `adapter` if there is one; only headers are read.

    Raises:
        InputError: a file is missing or broken, a tensor is missing or of another shape, or the adapter does not fit.
    """
    config = read_config(folder)
    stored = _check_stored(folder, config, find_weights(folder))
    whole = stored if HEAD in stored else stored | {HEAD: stored[EMBEDDING]}
    changes = {} if adapter is None else read_adapter(adapter, {name: tensor.shape for name, tensor in whole.items()})
    tensors = {name: TrainedTensor(tensor, changes.get(name)) for name, tensor in stored.items()}
    if HEAD not in stored and adapter is not None and ties_break(adapter, changes):
        head = TrainedTensor(whole[HEAD], changes.get(HEAD))
        if not holds_the_same(head, tensors[EMBEDDING]):  # PEFT may save what is still one matrix as two
            tensors[HEAD] = head
    return TrainedModel(config, tensors)


def _check_stored(folder: Path, config: ModelConfig, found: Mapping[str, StoredTensor]) -> dict[str, StoredTensor]:
    """Return the tensors that the config promises, in the model's order."""
    shapes = tensor_shapes(config)
    if missing := [name for name in shapes if name not in found]:
        raise InputError(f"{folder}: expected all weights of the model, {len(missing)} are missing, e.g. {missing[0]}")
    if config.tied and HEAD in found and not holds_the_same(found[HEAD], found[EMBEDDING]):
        shapes |= {HEAD: shapes[EMBEDDING]}  # transformers takes it for a head of its own, too
    for name, shape in shapes.items():
        if found[name].shape != shape:
            raise InputError(f"{folder}: {name}: expected {shape} by config.json, got {found[name].shape}")
    if strange := [name for name in found if name not in shapes and name != HEAD and not name.endswith(_NEVER_NEEDED)]:
        raise InputError(f"{folder}: expected the tensors of a {config.model_type} model, got {strange[0]}")
    return {name: found[name] for name in shapes}


def holds_the_same(head: StoredTensor | TrainedTensor, embedding: StoredTensor | TrainedTensor) -> bool:
    """Whether both hold the same numbers: some files store a tied head a second time."""
    import numpy as np

    if head.shape != embedding.shape:
        return False
    starts = range(0, head.shape[0], _ROWS_COMPARED)
    blocks = ((start, min(start + _ROWS_COMPARED, head.shape[0])) for start in starts)
    return all(np.array_equal(head.rows(*block), embedding.rows(*block)) for block in blocks)
