"""What a proof says: the figures of each file, what its kind must reach, and the verdict."""

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cadmonkey.errors import CadmonkeyError
from cadmonkey.gguf.questions import MIN_PROMPTS
from cadmonkey.gguf.tensors import TensorFigures


class UnprovenError(CadmonkeyError):
    """A file differs from the trained model by more than its kind allows; commands exit with status 3."""

    exit_status = 3


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """What a file of one kind must reach; text, tokens, BOS and end token must agree for every prompt in any kind."""

    greedy_equal: float | None
    """Share of prompts with the trained model's own answer, those that only differ at near ties included; None where no
    answer need be the same."""
    mean_kl: float
    """Mean Kullback-Leibler divergence per token from the trained model's distribution, in nats."""
    near_tie: float
    """Difference of logits below which the kind's rounding may decide between two tokens."""


_THRESHOLDS = {
    "f32": Thresholds(greedy_equal=0.99, mean_kl=0.0001, near_tie=0.01),
    # llama.cpp rounds what it multiplies with such weights to 16 bits, too: 0.00015 where a model has gone astray; a
    # layer that is 10 % too large comes to 0.00046 in the shipped one
    "f16": Thresholds(greedy_equal=0.99, mean_kl=0.0003, near_tie=0.01),
    "bf16": Thresholds(greedy_equal=0.95, mean_kl=0.001, near_tie=0.05),
    "q8": Thresholds(greedy_equal=0.9, mean_kl=0.005, near_tie=0.15),
    "q6": Thresholds(greedy_equal=0.9, mean_kl=0.02, near_tie=0.25),
    "q5": Thresholds(greedy_equal=0.85, mean_kl=0.06, near_tie=0.4),
    "q4": Thresholds(greedy_equal=0.8, mean_kl=0.2, near_tie=0.6),
    "iq4": Thresholds(greedy_equal=0.8, mean_kl=0.2, near_tie=0.6),
    "q3": Thresholds(greedy_equal=0.7, mean_kl=0.5, near_tie=0.8),
    "iq3": Thresholds(greedy_equal=0.7, mean_kl=0.75, near_tie=0.8),
    "q2": Thresholds(greedy_equal=0.6, mean_kl=1.0, near_tie=1.0),
    "iq2": Thresholds(greedy_equal=0.6, mean_kl=1.2, near_tie=1.0),
}
"""By kind, or the beginning of its name: how much of the model its rounding may cost. Whether a file holds the trained
numbers at all is what `tensors` finds out. Fitted to the two small models of `benchmarks/quants.py`, whose true files
stay below: the mean divergence is two to three times that of the worst of a kind on a random model, whose flat
distributions rounding moves most (benchmarks/results/quants.json; in nats q8_0 0.0007, q6_k 0.006, q5_0 0.02, q4_0
0.08, iq4_xs 0.07, q3_k_s 0.22, iq3_xxs 0.31, q2_k_s 0.47, iq2_xxs 0.57, iq1_s 0.71); the share of answers leaves room
below that of the shipped model, which is very sure of itself (q2_k and iq2_xxs 88 %, iq1_m 69 %)."""
_SMALLEST = Thresholds(greedy_equal=0.4, mean_kl=1.5, near_tie=1.0)
"""Of one bit (iq1)."""
SURE_KINDS = ("f32", "f16", "bf16", "q8_0")
"""Kinds whose answers must be the same on plain prompts too; smaller ones rightly differ where no answer is likely."""
_WAIVED = f"No prompt is held out, so that a file smaller than {SURE_KINDS[-1]} need not give the same answers."
_FEWER_ENDS = 0.1
"""Share of the prompts at which a file may miss the end that the trained model finds; more in kinds whose answers may
differ more often."""
_MORE_RESERVED = 0.02
"""Share of the prompts at which a file may say reserved tokens, where the trained model says none."""
_BFLOAT16_KL = 0.001
"""What the trained model's own rounding may add where it is too big to be compared in float32."""


def percent(share: float) -> str:
    """Return a share in per cent, rounded down, so that 100 % means all; "-" for none."""
    return f"{int(share * 1000 + 1e-9) / 10:.1f}%" if share == share else "-"


def thresholds(quant: str, reference: str) -> Thresholds:
    """Return what a file of kind `quant` must reach, compared with a model in the dtype `reference`."""
    wanted = next((t for kind, t in _THRESHOLDS.items() if quant.startswith(kind)), _SMALLEST)
    return wanted if reference == "float32" else replace(wanted, mean_kl=wanted.mean_kl + _BFLOAT16_KL)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What was measured on one file; shares are of the prompts, 0 to 1, divergences in nats per token.

    Divergences, first choices and perplexities are those along the known answers, or along the trained model's own
    where none are known. They, the answers, ends and reserved tokens are those of the held-out prompts where there are
    any; text and tokens are those of all.
    """

    prompts: int
    probes: int = 0
    """Plain prompts of ours asked besides, which count for text, tokens, BOS and `probe_kl`."""
    held_out_prompts: int
    """How many of them are held out from the training; the others are plain prompts of ours."""
    known_answers: int
    template_equal: float
    tokens_equal: float
    one_bos: float
    end_token_equal: bool
    greedy_equal: float
    near_ties: float
    """Share of prompts whose answers differ, but only where the trained model hardly prefers its own token."""
    stop_rate: float
    original_stop_rate: float
    """Of the trained model's own greedy answers."""
    reserved_token_rate: float
    original_reserved_token_rate: float
    mean_kl: float
    max_kl: float
    probe_kl: float
    """Mean divergence on plain prompts unlike the training data, where wrong numbers show first."""
    top_1: float
    """Share of tokens at which both models have the same first choice."""
    perplexity: float
    original_perplexity: float
    mean_tokens: float

    @property
    def perplexity_difference(self) -> float:
        """How much more the file is perplexed than the trained model."""
        return self.perplexity - self.original_perplexity


@dataclass(frozen=True, kw_only=True)
class TaskScore:
    """How many answers to the CAD rows are the part that was asked for, by the judge."""

    rows: int
    all_pass: int
    original_all_pass: int
    """Of the trained model's own greedy answers."""
    gained: int
    """Parts that only the file got right."""
    lost: int
    """Parts that only the trained model got right."""


@dataclass(frozen=True, kw_only=True)
class FileProof:
    """One GGUF file and whether it may carry the model's name."""

    file: str
    quant: str
    reference: str
    """The dtype in which the trained model was computed, float32 or bfloat16."""
    size_bytes: int
    figures: Figures
    tensor: TensorFigures
    """The one that differs most from the trained one, for its type."""
    token_ids: str = ""
    """Which prompt is the first whose token ids are others, and the cause where it is known, "" if none is."""
    vocabulary: str = ""
    """Where the file's tokens, their types, merges or scores are first other than the trained ones, "" if nowhere."""
    metadata: str = ""
    """Which special token, flag or hyperparameter of the file is first another one, "" if none is."""
    score: TaskScore | None = None
    """None where no prompt asks for a part."""

    @property
    def thresholds(self) -> Thresholds:
        """What this file must reach: that of its kind, less what cannot be asked of it on plain prompts alone."""
        wanted = thresholds(self.quant, self.reference)
        is_waived = self.figures.held_out_prompts == 0 and self.quant not in SURE_KINDS
        return replace(wanted, greedy_equal=None) if is_waived else wanted

    @property
    def notes(self) -> tuple[str, ...]:
        """What limits the verdict, in sentences."""
        got, verdict = self.figures, "Proven" if self.proven else "Compared"
        few = f"{verdict} on {got.prompts} {'prompt' if got.prompts == 1 else 'prompts'} only; a full proof takes"
        notes = {
            f"{few} {MIN_PROMPTS} or more.": got.prompts < MIN_PROMPTS,
            f"{verdict} on plain prompts only, none held out.": got.held_out_prompts == 0,
            _WAIVED: self.thresholds.greedy_equal is None,
        }
        return tuple(note for note, holds in notes.items() if holds)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the file is unproven; empty if it is proven."""
        got, wanted = self.figures, self.thresholds
        least = wanted.greedy_equal or 0.0
        first = f", first {self.token_ids}" if self.token_ids else ""
        asked = "held-out prompts" if 0 < got.held_out_prompts < got.prompts else "prompts"
        same, worst_kl = got.greedy_equal + got.near_ties, max(got.mean_kl, got.probe_kl)
        failures = {
            f"the chat template renders another text for {self._count(got.template_equal)}": got.template_equal < 1,
            f"other token ids for {self._count(got.tokens_equal)}{first}": got.tokens_equal < 1,
            f"not exactly one BOS in {self._count(got.one_bos)}": got.one_bos < 1,
            "another end token": not got.end_token_equal,
            f"another vocabulary: {self.vocabulary}": bool(self.vocabulary),
            f"other metadata: {self.metadata}": bool(self.metadata),
            f"the same greedy answer for {percent(same)} of the {asked}, expected {least:.0%}": same < least,
            f"an end to {percent(got.stop_rate)} of the answers, the trained model to "
            f"{percent(got.original_stop_rate)}": (got.stop_rate < got.original_stop_rate - self._fewer_ends),
            f"reserved tokens in {percent(got.reserved_token_rate)} of the answers, the trained model in "
            f"{percent(got.original_reserved_token_rate)}": (
                # answers of a model that often says them are hardly sure, and differ
                got.reserved_token_rate > 2 * got.original_reserved_token_rate + _MORE_RESERVED + got.near_ties
            ),
            f"a mean divergence of {worst_kl:.2g} nats, expected at most {wanted.mean_kl:.2g}": (
                # "not <=" also catches NaN
                not (got.mean_kl <= wanted.mean_kl and got.probe_kl <= wanted.mean_kl)
            ),
            f"another tensor: {self.tensor.words}": not self.tensor.excess(self.reference) <= 1,
        }
        return tuple(reason for reason, failed in failures.items() if failed)

    def _count(self, equal: float) -> str:
        """Say of how many of all prompts something does not hold, by the share of those of which it does."""
        every, ours = self.figures.prompts + self.figures.probes, self.figures.probes
        noun = "prompt" if every == 1 else "prompts"
        return f"{round((1 - equal) * every)} of {every} {noun}" + (f" ({ours} of them ours)" if ours else "")

    @property
    def _fewer_ends(self) -> float:
        """Answers that part at a near tie end where they will."""
        may_differ = 1 - (thresholds(self.quant, self.reference).greedy_equal or 0.0)
        return max(_FEWER_ENDS, may_differ) + self.figures.near_ties

    @property
    def proven(self) -> bool:
        """Whether the file says what the trained model says."""
        return not self.reasons

    @property
    def published_name(self) -> str:
        """The file's name once the verdict is known."""
        return f"model-{self.quant}.gguf" if self.proven else f"model-{self.quant}.unproven.gguf"

    def as_dict(self) -> dict[str, Any]:
        """Return the file's entry in proof.json."""
        return {
            "file": self.published_name,
            "quant": self.quant,
            "reference_dtype": self.reference,
            "verdict": "proven" if self.proven else "unproven",
            "reasons": list(self.reasons),
            "size_bytes": self.size_bytes,
            **{name: _finite(value) for name, value in asdict(self.figures).items()},
            "token_ids_difference": self.token_ids or None,
            "vocabulary_difference": self.vocabulary or None,
            "metadata_difference": self.metadata or None,
            "worst_tensor": {name: _finite(value) for name, value in asdict(self.tensor).items()},
            "perplexity_difference": _finite(self.figures.perplexity_difference),
            "score": None if self.score is None else asdict(self.score),
            "thresholds": asdict(self.thresholds),
            "notes": list(self.notes),
        }


def _finite(value: Any) -> Any:
    """JSON has neither NaN nor infinity."""
    return value if isinstance(value, str) or math.isfinite(value) else None


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How the merged model differs from the adapter on the 4- or 8-bit base that it was trained on.

    Divergences are those of the trained state from the merged model, in nats per token.
    """

    bits: int
    prompts: int = 0
    mean_kl: float = math.nan
    max_kl: float = math.nan
    top_1: float = math.nan
    greedy_equal: float = math.nan
    perplexity: float = math.nan
    """Of the merged model."""
    trained_perplexity: float = math.nan
    """Of the adapter on the quantised base."""
    not_measured: str = ""
    """Why there are no figures, "" where there are."""

    def as_dict(self) -> dict[str, Any]:
        """Return the entry in proof.json."""
        return {name: _finite(value) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Proof:
    """The proofs of all files of one export."""

    folder: Path
    files: tuple[FileProof, ...]
    drift: Drift | None = None
    """None where the base was trained on in 16 bits or more."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What limits the verdict on any file, in sentences, each once."""
        return tuple(dict.fromkeys(note for file in self.files for note in file.notes))

    @property
    def proven(self) -> bool:
        """Whether every file is proven."""
        return all(file.proven for file in self.files)

    def require(self) -> None:
        """Raise if a file is unproven.

        Raises:
            UnprovenError: names each such file and why.
        """
        failed = [f"{self.folder / f.published_name}: {'; '.join(f.reasons)}" for f in self.files if not f.proven]
        if failed:
            raise UnprovenError(f"expected the trained model, got {' | '.join(failed)}")

    def as_dict(self) -> dict[str, Any]:
        """Return what proof.json holds."""
        from cadmonkey.gguf.recommendation import recommend  # which reads these classes

        best = recommend(self.files)
        return {
            "verdict": "proven" if self.proven else "unproven",
            "recommended": {"file": best.file.published_name, "reason": best.reason},
            "drift": None if self.drift is None else self.drift.as_dict(),
            "files": [file.as_dict() for file in self.files],
        }
