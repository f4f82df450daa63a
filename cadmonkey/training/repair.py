"""Find the special tokens that nobody trained, and make their rows learnable.

In a base checkpoint the rows of <|eot_id|>, the headers and the reserved tokens look healthy: normal norms. But the
softmax pushed every unseen row the same way, so they are near-duplicates, and LoRA on the linear layers cannot tell
the end token from a reserved one. The cosine shows it; a norm or a zero check does not.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cadmonkey.data.chat import control_tokens, encode, end_token
from cadmonkey.errors import RunError
from cadmonkey.training.engines import find_base

NEAR_DUPLICATE = 0.9
"""Cosine from which two rows count as one: unseen rows lie at 0.98 and more, trained ones below 0.6."""

TINY_NORM = 0.01
"""A row with less than this share of the median norm was never trained either."""


@dataclass(frozen=True)
class RowCheck:
    """How one special token's row looks in one matrix."""

    token: str
    id: int
    matrix: str
    norm_ratio: float
    """Its norm over the median norm of all rows."""
    nearest: str
    """The special token whose row is most alike."""
    cosine: float
    """The cosine to it."""

    @property
    def untrained(self) -> bool:
        """True where the row cannot be told from rows that were never seen."""
        return not (self.norm_ratio >= TINY_NORM and self.cosine < NEAR_DUPLICATE)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for preflight.json."""
        return {**asdict(self), "untrained": self.untrained}


def check_rows(model: Any, tokenizer: Any) -> list[RowCheck]:
    """Look at the special tokens' rows of a loaded model, see `check_matrices`."""
    embedding, head = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    return check_matrices(embedding, head if head.data_ptr() != embedding.data_ptr() else None, tokenizer)


def check_matrices(embedding: Any, head: Any, tokenizer: Any) -> list[RowCheck]:
    """Look at the embedding rows of every special token of the template, and at the head row of the end token.

    `head` (vocab, hidden) is None where it is tied to `embedding` (vocab, hidden). Only the end token is ever
    predicted, so in an untied head the other special rows stay untrained for good and may.
    """
    end_id = tokenizer.convert_tokens_to_ids(end_token(tokenizer))
    special = control_tokens(tokenizer)
    used = sorted(set(encode(tokenizer, "a", "b").input_ids) & special.keys())
    names = _rows_without_text(len(embedding), tokenizer)
    checks = _check_matrix("embed_tokens", embedding, used, names)
    if head is not None:
        checks += _check_matrix("lm_head", head, [end_id], names)
    return checks


def read_matrices(base_model: str) -> tuple[Any, Any] | None:
    """Read embedding and head from a model's safetensors without its other weights; the head is None where it is tied.

    Return None where the files are not at hand: nothing is downloaded.
    """
    files = _weight_files(base_model)
    embedding = _read_tensor(files, "embed_tokens.weight")
    return None if embedding is None else (embedding, _read_tensor(files, "lm_head.weight"))


def _weight_files(base_model: str) -> list[Path]:
    """Return the safetensors of a local model, or of one in the Hub's cache."""
    from huggingface_hub import try_to_load_from_cache

    folder = Path(find_base(base_model))
    if not folder.is_dir():
        cached = try_to_load_from_cache(base_model, "config.json")
        if not isinstance(cached, str):
            return []
        folder = Path(cached).parent
    return sorted(folder.glob("model*.safetensors"))


def _read_tensor(files: list[Path], ending: str) -> Any:
    from safetensors import safe_open

    for path in files:
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 -- a file is no mapping
                if name.endswith(ending):
                    return file.get_tensor(name)
    return None


def _check_matrix(matrix: str, weight: Any, ids: list[int], names: dict[int, str]) -> list[RowCheck]:
    """Compare the rows `ids` of `weight` (vocab, hidden) with all rows that stand for no text, `names`."""
    import torch
    from torch.nn.functional import normalize

    others = sorted(names)
    with torch.no_grad():
        norms = weight.float().norm(dim=1)
        pool = normalize(weight[others].float(), dim=1)
        cosines = (normalize(weight[ids].float(), dim=1) @ pool.T).nan_to_num(-1.0)
    checks = []
    for position, number in enumerate(ids):
        alike = cosines[position]
        alike[others.index(number)] = -1.0
        nearest = int(alike.argmax())
        ratio = float((norms[number] / norms.nanmedian()).nan_to_num(0.0))
        checks.append(
            RowCheck(
                token=names[number],
                id=number,
                matrix=matrix,
                norm_ratio=round(ratio, 4),
                nearest=names[others[nearest]],
                cosine=round(float(alike[nearest]), 4),
            )
        )
    return checks


def _rows_without_text(size: int, tokenizer: Any) -> dict[int, str]:
    """Return id -> name of the special tokens and of the padding rows behind the vocabulary of a `size`-row matrix.

    Raises:
        RunError: the tokenizer names rows that the model does not have.
    """
    special = control_tokens(tokenizer)
    if max(special) >= size or len(tokenizer) > size:
        raise RunError(f"the model has {size} embedding rows, the tokenizer {len(tokenizer)} tokens; they do not fit")
    return special | {number: f"unused row {number}" for number in range(len(tokenizer), size)}


def rows_to_train(checks: list[RowCheck]) -> dict[str, list[int]]:
    """Return matrix name -> ids for PEFT's `trainable_token_indices`; empty for a model with trained rows."""
    rows: dict[str, list[int]] = {}
    for check in checks:
        if check.untrained:
            rows.setdefault(check.matrix, []).append(check.id)
    return rows


def start_rows(model: Any, tokenizer: Any, token_rows: dict[str, list[int]], seed: int) -> None:
    """Start the trainable rows at the mean of the trained ones plus noise; a base under an adapter stays as it is.

    The mean makes a token as likely as any (Hewitt 2021, "Initializing new word embeddings"); the noise, a tenth of
    the rows' own spread, keeps the new rows apart.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    layers = {"embed_tokens": model.get_input_embeddings(), "lm_head": model.get_output_embeddings()}
    for matrix, ids in token_rows.items():
        adapter = getattr(layers[matrix], "token_adapter", None)  # none where every weight is trained
        weight = (adapter.base_layer if adapter else layers[matrix]).weight
        base = weight.detach()
        trained = _trained_rows(base, tokenizer, ids)
        noise = torch.randn((len(ids), base.shape[1]), generator=generator).to(base.device)
        values = (trained.mean(dim=0) + 0.1 * trained.std(dim=0) * noise).to(base.dtype)
        with torch.no_grad():
            if adapter is None:
                weight[ids] = values
            else:
                for delta in adapter.trainable_tokens_delta.values():
                    delta.copy_(values)


def _trained_rows(weight: Any, tokenizer: Any, ids: list[int]) -> Any:
    """Return the rows of text of `weight` (vocab, hidden) that were seen: unlike the rows `ids`, which were not.

    A small base has seen few of its words; the mean over all of them would be another unseen row.
    """
    import torch
    from torch.nn.functional import normalize

    seen = (normalize(weight.float(), dim=1) @ normalize(weight[ids].float(), dim=1).T).amax(dim=1) < NEAR_DUPLICATE
    text = torch.ones_like(seen)
    text[sorted(_rows_without_text(len(weight), tokenizer))] = False
    return weight[text & seen if bool((text & seen).any()) else text].float()
