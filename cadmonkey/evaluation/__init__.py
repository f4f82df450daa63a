"""Scores and the report: every prediction judged against its reference, in millimetres."""

from cadmonkey.evaluation.evaluate import evaluate
from cadmonkey.evaluation.summary import print_scores, score_table

__all__ = ["evaluate", "print_scores", "score_table"]
