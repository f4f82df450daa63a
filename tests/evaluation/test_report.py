import base64
import io
import json
import re

import pytest
from PIL import Image, ImageFont

from cadmonkey.cad.worker import _answer
from cadmonkey.evaluation import print_scores
from cadmonkey.evaluation.report import failures_first, loss_curve, write_report
from cadmonkey.evaluation.scores import score
from cadmonkey.evaluation.sheet import _drawable, _wrap, in_turn
from cadmonkey.evaluation.summary import interval_text, shown

PASS = {
    "parses": True,
    "solid": True,
    "bodies_ok": True,
    "box_ok": True,
    "volume_ok": True,
    "features_ok": True,
    "dimensions_ok": True,
    "all_pass": True,
    "iou": 1.0,
    "dimensions": [],
    "missing": [],
    "spurious": [],
    "reason": "",
}
FAIL = {**PASS, "volume_ok": False, "all_pass": False, "iou": 0.5, "reason": "volume 1 mm³, expected 2 mm³"}


def part(name: str, family: str, verdict: dict, code: str = "cube(5);") -> dict:
    return {
        "id": name,
        "family": family,
        "prompt": f"make <{name}>",
        "code": code,
        "reference": "cube(6);",
        "stop_reason": "end_token",
        "verdict": verdict,
    }


PARTS = [part("a1", "a", PASS), part("a2", "a", PASS), part("b1", "b", PASS), part("b2", "b", FAIL, "cube(")]


def report(tmp_path, parts=PARTS) -> str:
    write_report(tmp_path / "report.html", parts, score(parts), tmp_path, processes=1)
    return (tmp_path / "report.html").read_text()


def test_the_report_needs_no_other_file_and_no_network(tmp_path):
    page = report(tmp_path)
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)""", page)
    assert "http" not in page
    assert "@import" not in page
    assert "url(" not in page


def test_the_gallery_begins_with_failures_beside_the_part_that_was_wanted(tmp_path):
    cards = report(tmp_path).split("<article")[1:]
    assert len(cards) == 4
    assert 'data-verdict="fail"' in cards[0]
    assert "no solid" in cards[0]
    assert "volume 1 mm³, expected 2 mm³" in cards[0]
    assert cards[0].count("data:image/png;base64,") == 1
    assert "cube(6);" in cards[0]
    assert all('data-verdict="pass"' in card and "cube(6);" not in card for card in cards[1:])


def test_a_solid_that_fails_is_shown_with_its_difference_and_all_its_faults(tmp_path):
    faults = {
        "missing": ["1 through hole of 5 mm missing"],
        "dimensions": [
            {"kind": "length", "name": "length", "expected": 6, "measured": 5, "ok": False},
            {"kind": "width", "name": "width", "expected": 6, "measured": 6, "ok": True},
        ],
    }
    [card] = report(tmp_path, [part("x", "a", {**FAIL, **faults})]).split("<article")[1:]
    assert card.count("data:image/png;base64,") == 3
    assert "too much" in card
    assert "<li>1 through hole of 5 mm missing</li><li>length 6 mm: measured 5 mm</li>" in card
    assert "width 6 mm" not in card


def test_the_difference_shows_what_is_missing_in_blue_and_what_is_too_much_in_amber():
    def colours(code: str) -> tuple[int, int]:
        request = {"do": "difference", "code": code, "reference": "cube([20, 20, 20]);", "size": [160, 120]}
        picture = Image.open(io.BytesIO(base64.b64decode(_answer({**request, "colours": 0})["png"]))).convert("RGB")
        pixels = picture.getcolors(1 << 24)
        amber = sum(count for count, (r, _, b) in pixels if r > b + 40)
        return amber, sum(count for count, (r, _, b) in pixels if b > r + 40)

    lacks, much = colours("cube([20, 20, 10]);"), colours("cube([20, 20, 30]);")
    assert lacks[0] < 20 < 500 < lacks[1]
    assert much[1] < 20 < 500 < much[0]


def test_prompts_and_programs_are_escaped(tmp_path):
    page = report(tmp_path, [part("x", "a", PASS, "cube(5); // <script>alert(1)</script>")])
    assert "make &lt;x&gt;" in page
    assert "<script>alert" not in page


def test_the_runs_choices_and_its_loss_are_shown_where_it_has_them(tmp_path):
    assert "<svg" not in report(tmp_path)
    (tmp_path / "recipe.json").write_text(json.dumps({"preset": "nano", "learning_rate": 0.0005}))
    lines = [json.dumps({"step": step, "loss": 2 / step}) for step in range(1, 30)]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines) + '\n{"step": 30, "lo')
    page = report(tmp_path)
    assert "<svg" in page
    assert "<dt>learning rate</dt><dd>0.0005</dd>" in page
    assert "training loss, 0.06897 at the end" in page


def test_the_loss_curve_falls_with_the_loss_and_stays_in_its_frame():
    curve = loss_curve(
        [{"step": s, "loss": 10.0 / s} | ({"eval_loss": 12.0 / s} if s % 5 == 0 else {}) for s in (1, 5, 20)]
    )
    points = [tuple(map(float, point.split(","))) for point in curve["lines"]["training"].split()]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert [y for _, y in points] == sorted(y for _, y in points)
    assert all(curve["left"] <= x <= curve["right"] and 0 <= y <= curve["bottom"] for x, y in points)
    assert len(curve["lines"]["held-out"].split()) == 2


@pytest.mark.parametrize("metrics", [[], [{"step": 1, "loss": 1.0}], [{"step": 1, "loss": float("nan")}, {"step": 2}]])
def test_there_is_no_loss_curve_without_two_points(metrics):
    assert loss_curve(metrics) is None


def test_a_loss_that_never_moves_still_has_a_curve():
    assert loss_curve([{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.5}]) is not None


def test_the_first_parts_of_a_sheet_show_every_family():
    assert [p["id"] for p in in_turn(PARTS)] == ["a1", "b1", "a2", "b2"]
    assert [p["id"] for p in failures_first(PARTS)] == ["b2", "a1", "b1", "a2"]


def test_text_on_the_sheet_fits_its_card_and_uses_letters_that_the_font_has():
    font = ImageFont.load_default(19)
    lines = _wrap("a plate of 12 mm with " * 20 + "x" * 200, 3, font, 300)
    assert len(lines) == 3
    assert lines[-1].endswith("…")
    assert all(font.getlength(line) <= 300 for line in lines)
    assert _wrap("x" * 200, 1, font, 300)[0].endswith("…")
    assert _drawable("Ø5 × 3 mm³ für 20°…") == "dia. 5 x 3 mm3 fur 20°…"


def test_a_share_just_below_one_does_not_read_as_100_per_cent():
    assert [shown("all_pass", value) for value in (1, 0.99999, 0.9166666, 0)] == ["100 %", "99.9 %", "91.7 %", "0 %"]
    assert shown("iou", 0.98765) == "0.988"


def test_scores_are_plain_lines_when_stdout_is_no_terminal(capsys):
    print_scores(score(PARTS))
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    kinds = ["holes: without", "unit: none", "words: 1 to 10"]
    assert [line[0] for line in lines] == ["family", "a", "b", *kinds, "total"]
    assert lines[-1][lines[0].index("all-pass")] == "75 %"
    assert lines[-1][lines[0].index("95 % interval")] == interval_text(score(PARTS)["total"])
