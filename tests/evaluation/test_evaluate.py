import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from cadmonkey.errors import InputError
from cadmonkey.evaluation import evaluate, print_scores
from cadmonkey.evaluation.evaluate import join
from cadmonkey.files import read_json, read_jsonl, write_jsonl

CUBE, PLATE = "cube([10, 20, 30]);", "cube([50, 30, 5]);"


def prediction(name: str, code: str, stop_reason: str = "end_token") -> dict[str, object]:
    return {
        "id": name,
        "prompt": f"make {name}",
        "code": code,
        "language": "openscad",
        "stop_reason": stop_reason,
        "tokens": 9,
        "seconds": 0.1,
    }


def reference(name: str, code: str, family: str) -> dict[str, str]:
    return {"id": name, "prompt": f"make {name}", "completion": code, "family": family}


@pytest.fixture
def batch(tmp_path: Path) -> tuple[Path, Path]:
    """Four predictions: right, wrong, unreadable and cut off, right; of two families."""
    made = [
        prediction("one", CUBE),
        prediction("two", "cube([10, 20, 31]);"),
        prediction("three", "cube([50, 30", "length"),
        prediction("four", PLATE, "reserved_token"),
    ]
    wanted = [
        reference("four", PLATE, "plate"),
        reference("three", PLATE, "plate"),
        reference("two", CUBE, "block"),
        reference("one", CUBE, "block"),
    ]
    write_jsonl(tmp_path / "predictions.jsonl", made)
    write_jsonl(tmp_path / "references.jsonl", wanted)
    return tmp_path / "predictions.jsonl", tmp_path / "references.jsonl"


def test_scores_count_failures_as_zero_in_total_and_per_family(batch, tmp_path):
    scores = evaluate(*batch, tmp_path / "out")
    assert scores == read_json(tmp_path / "out" / "scores.json")
    total, plate = scores["total"], scores["families"]["plate"]
    assert (total["count"], total["parses"], total["all_pass"]) == (4, 0.75, 0.5)
    assert (total["ends_on_end_token"], total["length"], total["reserved"]) == (0.5, 0.25, 0.25)
    assert total["iou"] == pytest.approx((1 + 30 / 31 + 0 + 1) / 4, abs=1e-4)
    assert (plate["count"], plate["solid"], plate["volume"], plate["iou"]) == (2, 0.5, 0.5, 0.5)
    assert list(scores["families"]) == ["block", "plate"]


def test_every_part_has_its_verdict_on_disk_in_the_predictions_order(batch, tmp_path):
    evaluate(*batch, tmp_path / "out")
    verdicts = read_jsonl(tmp_path / "out" / "verdicts.jsonl")
    assert [(v["id"], v["family"], v["all_pass"]) for v in verdicts] == [
        ("one", "block", True),
        ("two", "block", False),
        ("three", "plate", False),
        ("four", "plate", True),
    ]
    assert "does not parse" in verdicts[2]["reason"]


def test_the_sheet_is_a_picture_of_the_parts(batch, tmp_path):
    evaluate(*batch, tmp_path / "out")
    sheet = Image.open(tmp_path / "out" / "sheet.png").convert("RGB")
    assert sheet.width > 4 * 432
    amber = sum(count for count, (r, _, b) in sheet.getcolors(1 << 24) if r > b + 60)
    assert amber > 50_000


@pytest.mark.usefixtures("hostile_judge")
def test_a_program_that_takes_too_long_fails_alone(batch, tmp_path):
    made = read_jsonl(batch[0])
    made[0]["code"] = "hang"
    write_jsonl(batch[0], made)
    scores = evaluate(*batch, tmp_path / "out", time_limit_s=2, processes=2)
    verdicts = read_jsonl(tmp_path / "out" / "verdicts.jsonl")
    assert verdicts[0]["reason"] == "time limit"
    assert not verdicts[0]["parses"]
    assert scores["total"]["all_pass"] == 0.25


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda made, wanted: made.append(made[0]), r"predictions\.jsonl: .*'one' more than once"),
        (lambda made, wanted: wanted.append(wanted[0]), r"references\.jsonl: .*'four' more than once"),
        (lambda made, wanted: made.pop(), r"id 'four' missing in .*predictions\.jsonl"),
        (lambda made, wanted: wanted.pop(), r"id 'one' missing in .*references\.jsonl"),
        (lambda made, wanted: made[1].pop("code"), "\"code\" of id 'two', got None"),
        (lambda made, wanted: wanted[0].pop("completion"), r'references\.jsonl:1: .*"completion"'),
        (lambda made, wanted: made.clear(), "at least one line"),
    ],
)
def test_files_that_do_not_fit_together_are_bad_input(batch, tmp_path, change, message):
    made, wanted = (read_jsonl(path) for path in batch)
    change(made, wanted)
    write_jsonl(batch[0], made)
    write_jsonl(batch[1], wanted)
    with pytest.raises(InputError, match=message):
        evaluate(*batch, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_reference_that_is_no_solid_is_bad_input_not_a_failed_prediction(batch, tmp_path):
    wanted = read_jsonl(batch[1])
    wanted[2]["completion"] = "cube("
    write_jsonl(batch[1], wanted)
    with pytest.raises(InputError, match=r"references\.jsonl: id 'two': expected a solid"):
        evaluate(*batch, tmp_path / "out")


def test_an_empty_program_is_a_prediction_that_fails(batch, tmp_path):
    made = read_jsonl(batch[0])
    made[0]["code"] = ""
    write_jsonl(batch[0], made)
    assert join(*batch)[0]["code"] == ""
    assert evaluate(*batch, tmp_path / "out")["total"]["all_pass"] == 0.25


def test_stated_dimensions_are_measured_where_the_references_tell_them(batch, tmp_path):
    wanted = read_jsonl(batch[1])
    wanted[0]["stated"] = [{"kind": "thickness", "name": "thickness", "mm": 5}]
    wanted[3]["stated"] = [{"kind": "length", "name": "length", "mm": 11}]
    write_jsonl(batch[1], wanted)
    evaluate(*batch, tmp_path / "out")
    verdicts = {verdict["id"]: verdict for verdict in read_jsonl(tmp_path / "out" / "verdicts.jsonl")}
    assert verdicts["four"]["all_pass"]
    assert verdicts["four"]["dimensions"][0]["measured"] == 5
    assert not verdicts["one"]["all_pass"]
    assert verdicts["one"]["reason"] == "length 11 mm: measured 10 mm"
    assert verdicts["two"]["dimensions"] == []


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        (5, r"references\.jsonl: expected a list of objects in \"stated\" of id 'two'"),
        ([{"kind": "girth", "mm": 5}], r"references\.jsonl: id 'two': stated: expected a known kind"),
    ],
)
def test_stated_dimensions_that_cannot_be_checked_are_bad_input(batch, tmp_path, stated, message):
    wanted = read_jsonl(batch[1])
    wanted[2]["stated"] = stated
    write_jsonl(batch[1], wanted)
    with pytest.raises(InputError, match=message):
        evaluate(*batch, tmp_path / "out")


def test_how_answers_stopped_is_not_known_where_a_prediction_does_not_say_it(batch, tmp_path, capsys):
    made = read_jsonl(batch[0])
    made[0]["stop_reason"] = None
    del made[1]["stop_reason"]
    write_jsonl(batch[0], made)
    scores = evaluate(*batch, tmp_path / "out")
    stops = {"ends_on_end_token", "length", "reserved"}
    for line in (scores["total"], scores["families"]["block"]):
        assert not stops & (line.keys() | line["interval"].keys())
    assert scores["families"]["plate"]["length"] == 0.5
    assert scores["total"]["all_pass"] == 0.5
    print_scores(scores)
    shown = {line.split("\t")[0]: line.split("\t")[-1] for line in capsys.readouterr().out.splitlines()}
    assert (shown["family"], shown["total"], shown["plate"]) == ("stops", "not known", "0 %")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<td>not known</td>" in page
    assert "end on the end token" not in page


def test_the_command_prints_the_table_and_writes_the_files(batch, tmp_path):
    command = [sys.executable, "-m", "cadmonkey.cli", "evaluate", batch[0], "--references", batch[1]]
    done = subprocess.run([*command, "--out", tmp_path / "out"], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].split("\t")[:3] == ["total", "4", "75 %"]
    assert {"scores.json", "verdicts.jsonl", "report.html", "sheet.png"} == set(os.listdir(tmp_path / "out"))  # noqa: PTH208
    batch[1].write_text(json.dumps({"id": "one"}) + "\n")
    done = subprocess.run([*command, "--out", tmp_path / "out2"], capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
