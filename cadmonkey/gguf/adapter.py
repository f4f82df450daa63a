"""A PEFT adapter on disk: what it changes in each matrix of its base, computed for any block of rows.

The arithmetic is that of PEFT's `merge_and_unload` in float32.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadmonkey.errors import InputError
from cadmonkey.files import read_json
from cadmonkey.gguf.architecture import EMBEDDING, HEAD
from cadmonkey.gguf.config import LARGEST_NUMBER, as_json
from cadmonkey.gguf.weights import StoredTensor, read_header

if TYPE_CHECKING:
    import numpy as np

_PREFIX = "base_model.model."

_KINDS = {
    ".lora_A.weight": "a",
    ".lora_B.weight": "b",
    ".lora_B.bias": "lora_bias",
    ".lora_embedding_A": "embedding_a",
    ".lora_embedding_B": "embedding_b",
    ".lora_magnitude_vector": "magnitude",
    ".lora_magnitude_vector.weight": "magnitude",
    ".token_adapter.trainable_tokens_delta": "token_rows",
    ".base_layer.weight": "weight",
    ".base_layer.bias": "bias",
    ".weight": "weight",
    ".bias": "bias",
}
"""How PEFT ends the names of an adapter's tensors, the longest match first, and what each is to us."""

_OTHER_METHODS = (
    *("fan_in_fan_out", "use_qalora", "use_bdlora", "kasa_config", "monteclora_config", "arrow_config"),
    *("alora_invocation_tokens", "target_parameters", "layer_replication", "megatron_config"),
)
"""Options of PEFT's LoraConfig that change what the matrices mean."""


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 1


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST_NUMBER


def _is_pattern(value: Any) -> bool:
    """Whether it is a regular expression."""
    try:
        return isinstance(value, str) and re.compile(value) is not None
    except re.error:
        return False


def _is_ending(value: Any) -> bool:
    """Whether it is a regular expression that may stand behind another."""
    return _is_pattern(value) and _is_pattern(f"({value})")


def _are_ids(value: Any) -> bool:
    return isinstance(value, list) and all(type(number) is int and number >= 0 for number in value)


def _are_modules(value: Any) -> bool:
    return _is_pattern(value) or (isinstance(value, list) and all(isinstance(name, str) for name in value))


def _by_pattern(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(map(_is_ending, value)) and all(map(is_right, value.values()))


_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "r": (_is_count, "a whole number from 1 on"),
    "lora_alpha": (_is_number, "a number"),
    "rank_pattern": (_by_pattern(_is_count), "regular expressions with a whole number from 1 on for each"),
    "alpha_pattern": (_by_pattern(_is_number), "regular expressions with a number for each"),
    "use_rslora": (lambda value: isinstance(value, bool), "true or false"),
    "use_dora": (lambda value: isinstance(value, bool), "true or false"),
    "ensure_weight_tying": (lambda value: isinstance(value, bool), "true or false"),
    "target_modules": (_are_modules, "names or a regular expression"),
    "exclude_modules": (_are_modules, "names or a regular expression"),
    "modules_to_save": (lambda value: isinstance(value, list) and all(map(_is_ending, value)), "a list of names"),
    "layers_to_transform": (lambda value: _are_ids([value]) or _are_ids(value), "numbers of layers"),
    "trainable_token_indices": (
        lambda value: _are_ids(value) or (isinstance(value, dict) and all(map(_are_ids, value.values()))),
        "a list of token ids, or one for each module",
    ),
}
"""What adapter_config.json must hold where it says anything; r and lora_alpha it must say."""

_INITS_THAT_CHANGE_THE_BASE = ("pissa", "olora", "corda", "loftq", "lora_ga")


@dataclass(frozen=True)
class LowRank:
    """scale * B @ A, added to a matrix (rows, columns); with a magnitude each row is then scaled to it (DoRA)."""

    a: StoredTensor
    """(rank, columns); of an embedding the transpose of its B."""
    b: StoredTensor
    """(rows, rank); of an embedding the transpose of its A."""
    scale: float
    magnitude: StoredTensor | None = None
    of_embedding: bool = False

    def apply(self, rows: "np.ndarray[Any, Any]", start: int) -> "np.ndarray[Any, Any]":
        """Return `rows`, the matrix's from row `start` on, with the change."""
        import numpy as np

        stop = start + len(rows)
        delta: np.ndarray[Any, Any]
        if self.of_embedding:
            delta = np.ascontiguousarray(_whole(self.a)[:, start:stop].T) @ _whole(self.b).T
        else:
            delta = self.b.rows(start, stop) @ _whole(self.a)
        delta *= np.float32(self.scale)
        delta += rows
        if self.magnitude is not None:
            norms = np.sqrt(np.einsum("ij,ij->i", delta, delta))
            delta *= (self.magnitude.rows(start, stop).reshape(-1) / norms)[:, None]
        return delta


@lru_cache(maxsize=8)
def _whole(tensor: StoredTensor) -> "np.ndarray[Any, Any]":
    """Return a thin matrix that all blocks of one tensor need."""
    return tensor.rows()


@dataclass(frozen=True)
class Change:
    """Everything an adapter does to one tensor, in this order."""

    replaced: StoredTensor | None = None
    """Trained whole (modules_to_save, biases)."""
    low_rank: LowRank | None = None
    added: tuple[StoredTensor, float] | None = None
    """A vector added to a bias, and its scale (lora_bias)."""
    token_rows: StoredTensor | None = None
    token_ids: tuple[int, ...] = ()

    @property
    def path(self) -> Path:
        """The file that the change is read from."""
        low_rank = None if self.low_rank is None else self.low_rank.a
        parts = (self.replaced, low_rank, None if self.added is None else self.added[0], self.token_rows)
        return next(stored.path for stored in parts if stored is not None)

    def apply(self, rows: "np.ndarray[Any, Any]", start: int) -> "np.ndarray[Any, Any]":
        """Return `rows`, the tensor's from row `start` on, as the adapter makes them."""
        import numpy as np

        stop = start + len(rows)
        if self.replaced is not None:
            rows = self.replaced.rows(start, stop)
        if self.low_rank is not None:
            rows = self.low_rank.apply(rows, start)
        if self.added is not None:
            vector, scale = self.added
            rows = rows + vector.rows(start, stop) * np.float32(scale)
        if self.token_rows is not None:
            here = [(place, number) for place, number in enumerate(self.token_ids) if start <= number < stop]
            for place, number in here:
                rows[number - start] = self.token_rows.rows(place, place + 1)[0]
        return rows


class _Adapter:
    """An opened adapter folder, while its tensors are being sorted."""

    def __init__(self, folder: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.folder, self.shapes = folder, shapes
        self.config: dict[str, Any] = _read_config(folder)
        self.modules: dict[str, dict[str, StoredTensor]] = {}
        for name, tensor in read_header(folder / "adapter_model.safetensors").items():
            module, kind = _split(folder, name)
            self.modules.setdefault(module, {})[kind] = tensor

    def changes(self) -> dict[str, Change]:
        """Return what happens to each tensor of the base, by the base's name."""
        changes = {}
        for module, parts in self.modules.items():
            weight, bias = f"{module}.weight", f"{module}.bias"
            if weight not in self.shapes:
                raise self.misfit(f"it changes {module}, which the base has not")
            if set(parts) - {"bias", "lora_bias"}:
                changes[weight] = self._weight_change(module, parts, self.shapes[weight])
            if {"bias", "lora_bias"} & set(parts):
                changes[bias] = self._bias_change(module, parts)
        self._check_targets()
        return changes

    def _weight_change(self, module: str, parts: Mapping[str, StoredTensor], shape: tuple[int, ...]) -> Change:
        replaced, ids = parts.get("weight"), self._token_ids(module, parts.get("token_rows"))
        if replaced is not None:
            self._expect(replaced, shape)
        if (rows := parts.get("token_rows")) is not None:
            self._expect(rows, (len(ids), *shape[1:]))
        if ids and max(ids) >= shape[0]:
            raise self.misfit(f"it trains row {max(ids)} of {module}, which has {shape[0]} rows")
        return Change(replaced, self._low_rank(module, parts, shape), None, rows, ids)

    def _low_rank(self, module: str, parts: Mapping[str, StoredTensor], shape: tuple[int, ...]) -> LowRank | None:
        embedded = "embedding_a" in parts or "embedding_b" in parts
        a, b = (parts.get(f"embedding_{side}" if embedded else side) for side in "ab")
        if a is None and b is None and "magnitude" not in parts:
            return None
        if a is None or b is None:
            raise self.misfit(f"of the pair A and B it holds one half for {module}")
        rank = int(self._pattern("rank_pattern", module, self.config["r"]))
        self._expect(a, (rank, shape[0] if embedded else shape[1]))
        self._expect(b, (shape[1] if embedded else shape[0], rank))
        magnitude = parts.get("magnitude")
        if magnitude is not None and (embedded or math.prod(magnitude.shape) != shape[0]):
            raise self.misfit(f"the magnitudes of {module} are {magnitude.shape}, expected ({shape[0]},)")
        if bool(self.config.get("use_dora")) != (magnitude is not None):
            raise self.misfit(f"use_dora and the magnitudes of {module} contradict each other")
        return LowRank(a, b, self._scale(module, rank), magnitude, embedded)

    def _bias_change(self, module: str, parts: Mapping[str, StoredTensor]) -> Change:
        name = f"{module}.bias"
        if name not in self.shapes:
            raise self.misfit(f"it changes {name}, which the base has not")
        for kind in {"bias", "lora_bias"} & set(parts):
            self._expect(parts[kind], self.shapes[name])
        added = parts.get("lora_bias")
        rank = int(self._pattern("rank_pattern", module, self.config["r"]))
        return Change(parts.get("bias"), None, None if added is None else (added, self._scale(module, rank)))

    def _scale(self, module: str, rank: int) -> float:
        alpha = float(self._pattern("alpha_pattern", module, self.config["lora_alpha"]))
        return alpha / (math.sqrt(rank) if self.config.get("use_rslora") else rank)

    def _pattern(self, key: str, module: str, default: Any) -> Any:
        """Return the value of the first pattern that the module's name ends in, as PEFT looks it up."""
        patterns = self.config.get(key) or {}
        return next((value for end, value in patterns.items() if re.match(rf"(.*\.)?({end})$", module)), default)

    def _token_ids(self, module: str, rows: StoredTensor | None) -> tuple[int, ...]:
        if rows is None:
            return ()
        ids = self.config.get("trainable_token_indices") or []
        if isinstance(ids, dict):
            ids = next((ids[name] for name in ids if f".{module}".endswith(f".{name}")), [])
        return tuple(int(number) for number in ids)

    def _check_targets(self) -> None:
        """PEFT leaves a matrix without its LoRA as it is, though it was trained with one: refuse that."""
        adapted = {module for module, parts in self.modules.items() if "b" in parts or "embedding_b" in parts}
        wanted = {
            module
            for module in (name.removesuffix(".weight") for name, shape in self.shapes.items() if len(shape) == 2)
            if self._is_target(module)
        }
        if missing := sorted(wanted - adapted):
            raise self.misfit(f"it has nothing for {missing[0]}, which its target_modules name")

    def _is_target(self, module: str) -> bool:
        config = self.config
        if any(re.match(rf"(^|.*\.){name}($|\..*)", module) for name in config.get("modules_to_save") or ()):
            return False
        if _matches(config.get("exclude_modules"), module) or not _matches(config.get("target_modules"), module):
            return False
        layers = config.get("layers_to_transform")
        if layers is None or layers == [] or isinstance(config.get("target_modules"), str):
            return True
        index = re.match(r".*?\.[^.]*\.(\d+)\.", module)
        return index is not None and int(index[1]) in ([layers] if isinstance(layers, int) else layers)

    def _expect(self, tensor: StoredTensor, shape: tuple[int, ...]) -> None:
        if tensor.shape == shape:
            return
        is_vocabulary = any(name in tensor.name for name in ("lm_head", "embed_tokens"))
        if is_vocabulary and tensor.shape[1:] == shape[1:] and tensor.shape[0] > shape[0]:
            raise InputError(
                f"{self.folder}: {tensor.name} has {tensor.shape[0]} rows, the base's vocabulary {shape[0]}: it was "
                "enlarged in training; enlarge the base likewise (resize_token_embeddings), merge with PEFT's "
                "merge_and_unload, save and export that folder"
            )
        raise self.misfit(f"{tensor.name} is {tensor.shape}, expected {shape}")

    def misfit(self, what: str) -> InputError:
        """Return the error for an adapter that was trained on another model."""
        return InputError(
            f"{self.folder}: expected an adapter of this base model, got another model's or a broken one: {what}"
        )


def read_adapter(folder: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Change]:
    """Return what the adapter does to each tensor, by the base model's names.

    `shapes` are those of the base's tensors; a tied head is among them.

    Raises:
        InputError: a file is missing or broken, the adapter belongs to another model, or its method is not LoRA.
    """
    return _Adapter(folder, shapes).changes()


def ties_break(folder: Path, changes: Mapping[str, Change]) -> bool:
    """Whether the adapter sets a tied model's head and embedding apart.

    Rows trained in the embedding count for both; anything else that names but one of the two changes that one.
    """
    if HEAD in changes:
        return True
    embedding = changes.get(EMBEDDING, Change())
    shared = bool(_read_config(folder).get("ensure_weight_tying"))
    return not shared and (embedding.replaced is not None or embedding.low_rank is not None)


def _matches(targets: str | Iterable[str] | None, module: str) -> bool:
    if isinstance(targets, str):
        return re.fullmatch(targets, module) is not None
    return any(f".{module}".endswith(f".{target}") for target in targets or ())


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / "adapter_config.json"
    config = read_json(path)
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        got = as_json(config.get("peft_type") if isinstance(config, dict) else config)
        raise InputError(f"{path}: peft_type: expected LORA, got {got}; merge it with PEFT and export the folder")
    for key, (is_right, expected) in _FIELDS.items():
        value = config.get(key)
        if not is_right(value) and (value is not None or key in ("r", "lora_alpha")):
            raise InputError(f"{path}: {key}: expected {expected}, got {as_json(value)}; copy the adapter again")
    initial = str(config.get("init_lora_weights", ""))
    others = [key for key in _OTHER_METHODS if config.get(key)]
    if initial.startswith(_INITS_THAT_CHANGE_THE_BASE):
        others.append(f"init_lora_weights={initial}")
    if others:
        raise InputError(f"{path}: expected plain LoRA, got {others[0]}; merge it with PEFT and export the folder")
    return dict(config)


def _split(folder: Path, name: str) -> tuple[str, str]:
    """Return the module that an adapter's tensor belongs to, and what it is."""
    for end, kind in _KINDS.items():
        if name.endswith(end):
            return name.removesuffix(end).removeprefix(_PREFIX), kind
    raise InputError(f"{folder}: expected the tensors of a LoRA adapter, got {name}; merge it with PEFT first")
