"""Scores and the report: every prediction judged against its reference, in millimetres or word for word."""

from cadmonkey.evaluation.answers import compare_answers, print_answers
from cadmonkey.evaluation.evaluate import are_parts, evaluate
from cadmonkey.evaluation.summary import print_scores, score_table

__all__ = ["are_parts", "compare_answers", "evaluate", "print_answers", "print_scores", "score_table"]
