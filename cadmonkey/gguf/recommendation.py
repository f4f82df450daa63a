"""Which of the proven files to take, and why."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cadmonkey.gguf.proof import FileProof, TaskScore, percent

SIGNIFICANT = 0.05
MOST_LOST = 0.02
"""Share of the parts that a file may lose against the original, however few the prompts are; one part it always may."""
MORE_PERPLEXED = 0.01
"""Relative growth of the perplexity that is still no loss, where there is no task score."""


@dataclass(frozen=True)
class Recommendation:
    """The file to take."""

    file: FileProof
    reason: str


def recommend(files: Sequence[FileProof]) -> Recommendation:
    """Return the smallest proven file that is not worse than the original beyond noise.

    Where prompts ask for parts, worse means: of the prompts at which file and original part ways, the original wins so
    many that a fair coin would do so in less than 5 % of all cases (exact one-sided sign test on paired answers), or
    the file gets fewer parts right by over one part and over 2 % of all. The second bound is for few prompts, on which
    no test finds anything. Elsewhere worse means a perplexity over 1 % higher. If all are worse, the file nearest to
    the original is it; if none is proven, the same of all.
    """
    proven = [file for file in files if file.proven]
    good = [file for file in proven if not _is_worse(file)]
    if good:
        best = min(good, key=lambda file: (file.size_bytes, _distance(file)))
        return Recommendation(best, f"the smallest file that is not worse than the original: {_words(best)}")
    nearest = min(proven or files, key=_distance)
    if proven:
        return Recommendation(nearest, f"every file is worse than the original, this one least: {_words(nearest)}")
    return Recommendation(nearest, "it is nearest to the original, but no file passed")


def sign_test(gained: int, lost: int) -> float:
    """Return the chance that a fair coin falls `lost` times or more on one side in gained + lost throws."""
    throws = gained + lost
    return sum(math.comb(throws, k) for k in range(lost, throws + 1)) / float(2**throws)


def _is_worse(file: FileProof) -> bool:
    score = file.score
    if score is None:
        return not file.figures.perplexity <= file.figures.original_perplexity * (1 + MORE_PERPLEXED)
    loss = score.original_all_pass - score.all_pass
    return loss > max(1, MOST_LOST * score.rows) or sign_test(score.gained, score.lost) < SIGNIFICANT


def _distance(file: FileProof) -> float:
    return file.figures.mean_kl if math.isfinite(file.figures.mean_kl) else math.inf


def _words(file: FileProof) -> str:
    if file.score is not None:
        return _score_words(file.score)
    change = file.figures.perplexity / file.figures.original_perplexity - 1
    return f"perplexity {change:+.2%}, {percent(file.figures.top_1)} of the first choices the same"


def _score_words(score: TaskScore) -> str:
    words = f"{score.all_pass} of {score.rows} parts right, the original {score.original_all_pass}"
    if score.gained or score.lost:
        words += f" (gained {score.gained}, lost {score.lost}, p = {sign_test(score.gained, score.lost):.2f})"
    return words
