"""The pictures of a run can be read."""

from itertools import combinations
from pathlib import Path

import pytest

from cadmonkey.files import write_jsonl
from cadmonkey.training.metrics import draw_curves, write_curves

pytest.importorskip("matplotlib")

LINES = [{"step": step, "loss": 1 / step, "grad_norm": 1.0, "learning_rate": 1e-4} for step in range(1, 201)]
STEPS = [3, 10, 12, 13, 13, 100, 101, 199, 200, 200]
ALARMS = [{"step": step, "alarm": f"an alarm of many words {number}"} for number, step in enumerate(STEPS)]


def test_the_names_of_alarms_that_are_near_each_other_do_not_overprint() -> None:
    figure = draw_curves(LINES, ALARMS)
    figure.draw_without_rendering()
    names = figure.axes[0].texts
    assert [name.get_text() for name in names] == [f"{alarm['step']}: {alarm['alarm']}" for alarm in ALARMS]
    boxes = [name.get_window_extent() for name in names]
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    for box in boxes:
        assert box.y0 >= figure.axes[0].get_window_extent().y1, "above the curves"
        assert figure.bbox.x0 <= box.x0
        assert max(box.x1 - figure.bbox.x1, box.y1 - figure.bbox.y1) < 1, "and on the picture"


def test_a_run_without_alarms_has_curves_too(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "metrics.jsonl", LINES)
    write_curves(tmp_path / "metrics.jsonl", tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
