"""The smallest file that is not worse beyond noise is the one to take, and the table says what limits a proof."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from cadmonkey.gguf.proof import Drift, Figures, FileProof, Proof, TaskScore
from cadmonkey.gguf.recommendation import recommend, sign_test
from cadmonkey.gguf.record import join_records
from cadmonkey.gguf.table import print_proof, remarks, table_rows
from cadmonkey.gguf.tensors import TensorFigures

FIGURES = Figures(
    prompts=100,
    held_out_prompts=100,
    known_answers=100,
    template_equal=1.0,
    tokens_equal=1.0,
    one_bos=1.0,
    end_token_equal=True,
    greedy_equal=1.0,
    near_ties=0.0,
    stop_rate=1.0,
    original_stop_rate=1.0,
    reserved_token_rate=0.0,
    original_reserved_token_rate=0.0,
    mean_kl=1e-5,
    max_kl=1e-4,
    probe_kl=1e-5,
    top_1=1.0,
    perplexity=2.0,
    original_perplexity=2.0,
    mean_tokens=10.0,
)


def file(quant: str, size: int, score: TaskScore | None = None, **changes: float) -> FileProof:
    return FileProof(
        file=f"model-{quant}.gguf",
        quant=quant,
        reference="float32",
        size_bytes=size,
        figures=replace(FIGURES, **changes),  # type: ignore[arg-type]
        tensor=TensorFigures(name="t", type_name="F16", error=0.0, scale=1.0, row_error=0.0, column_error=0.0),
        score=score,
    )


def score(gained: int, lost: int, original: int = 90) -> TaskScore:
    right = original + gained - lost
    return TaskScore(rows=100, all_pass=right, original_all_pass=original, gained=gained, lost=lost)


def test_the_sign_test_is_that_of_a_fair_coin() -> None:
    assert sign_test(0, 0) == 1
    assert sign_test(0, 5) == pytest.approx(1 / 32)
    assert sign_test(1, 3) == pytest.approx(5 / 16)


@pytest.mark.parametrize(
    ("small", "taken"),
    [
        (score(0, 0), "q4_k_m"),
        (score(3, 4), "q4_k_m"),
        (score(0, 2), "q4_k_m"),
        (score(2, 5), "q8_0"),
        (score(20, 35), "q8_0"),
        (score(6, 0), "q4_k_m"),
    ],
    ids=["equal", "noise", "two lost of a hundred", "three fewer", "clearly worse", "better"],
)
def test_the_smallest_file_that_is_not_worse_beyond_noise_is_taken(small: TaskScore, taken: str) -> None:
    files = [file("f16", 30, score(0, 0)), file("q4_k_m", 10, small), file("q8_0", 20, score(0, 0))]
    assert recommend(files).file.quant == taken


def test_without_a_score_the_perplexity_decides() -> None:
    files = [file("q8_0", 20, perplexity=2.001), file("q4_k_m", 10, perplexity=2.1), file("f16", 30)]
    assert recommend(files).file.quant == "q8_0"
    assert "perplexity +0.05%" in recommend(files).reason


def test_an_unproven_file_is_taken_only_if_all_are() -> None:
    unproven = file("q2_k", 5, tokens_equal=0.5)
    assert recommend([unproven, file("q8_0", 20)]).file.quant == "q8_0"
    assert "no file passed" in recommend([unproven]).reason


def test_the_nearest_file_is_taken_where_all_are_worse() -> None:
    files = [file("q4_k_m", 10, score(0, 30), mean_kl=0.1), file("q8_0", 20, score(0, 20), mean_kl=0.001)]
    assert recommend(files).file.quant == "q8_0"


def test_the_table_has_one_line_a_file_within_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    files = [
        file("f32", 34_567_890_000, score(0, 0, original=293)),
        file(
            "q4_k_m", 1_000_000, score(0, 90), mean_kl=math.nan, perplexity=math.inf, greedy_equal=0.0, stop_rate=0.123
        ),
    ]
    print_proof(Proof(Path(), tuple(files)))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[3:5]] == ["f32", "q4_k_m"]
    assert "…" not in "".join(lines)
    assert max(len(line) for line in lines[:5]) <= 80
    assert lines[4].rstrip().endswith("UNPROVEN")
    assert lines[5].startswith("Take model-f32.gguf")


def test_few_prompts_and_the_drift_stand_under_the_table_and_in_the_record(capsys: pytest.CaptureFixture[str]) -> None:
    drift = Drift(bits=4, prompts=9, mean_kl=0.01, max_kl=0.2, top_1=0.98, greedy_equal=0.5, perplexity=2.1,
                  trained_perplexity=2.0)  # fmt: skip
    proof = Proof(Path(), (file("q8_0", 20, prompts=9, held_out_prompts=9),), drift)
    print_proof(proof)
    printed = capsys.readouterr().out
    assert "Proven on 9 prompts only; a full proof takes 64 or more." in printed
    assert "Trained on the base in 4 bits, merged into 16 bits: KL 1.0e-02" in printed
    recorded = proof.as_dict()
    assert recorded["files"][0]["notes"] == ["Proven on 9 prompts only; a full proof takes 64 or more."]
    assert recorded["drift"]["greedy_equal"] == 0.5
    assert recorded["recommended"]["file"] == "model-q8_0.gguf"


def test_under_the_table_stands_no_file_to_take_where_none_passed_and_how_parts_were_made() -> None:
    failed = file("f16", 20, score(0, 0), mean_kl=1.0)
    first, second = remarks(Proof(Path(), (failed,)))[:2]
    none = "Take none: no file passed, model-f16.unproven.gguf is nearest to the original."
    assert first == f"{none} Next: mend what the reasons in proof.json name."
    assert second.startswith("Right parts: of bare greedy answers")
    assert not any(line.startswith("Right parts") for line in remarks(Proof(Path(), (file("f16", 20),))))


def test_where_only_small_files_failed_larger_ones_are_named() -> None:
    (first, *_) = remarks(Proof(Path(), (file("q2_k", 20, mean_kl=9.0),)))
    assert first.endswith("Next: try --quants q8_0 f16.")


def test_the_line_below_the_table_has_the_shares_of_the_table() -> None:
    failed_once = file("q8_0", 20, top_1=0.99878, tokens_equal=299 / 300, prompts=300, held_out_prompts=300)
    good = file("f16", 30, top_1=0.99878)
    assert "99.8% of the first choices the same" in recommend([good]).reason
    ((*_, text, _, _, top_1, _, _, _, _),) = table_rows(Proof(Path(), (failed_once,)))
    assert (text, top_1) == ("99%", "99.8%")
    assert failed_once.reasons == ("other token ids for 1 of 300 prompts",)


def test_the_share_of_answers_is_said_of_the_prompts_that_it_is_measured_on() -> None:
    few = file("f16", 30, greedy_equal=0.98996, prompts=64, held_out_prompts=3, probes=0)
    assert few.reasons == ("the same greedy answer for 98.9% of the held-out prompts, expected 99%",)
    assert "98.9% of the prompts" in replace(few, figures=replace(few.figures, held_out_prompts=64)).reasons[0]


def test_what_stands_above_a_narrow_table_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_proof(Proof(Path(), (file("q8_0", 20, prompts=64, held_out_prompts=0),)))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "GGUF against the trained model on 64 prompts, none of them held out"
    assert "Proven on plain prompts only, none held out." in lines


def test_one_prompt_is_singular(capsys: pytest.CaptureFixture[str]) -> None:
    print_proof(Proof(Path(), (file("q8_0", 20, prompts=1, held_out_prompts=1),)))
    printed = capsys.readouterr().out
    assert printed.startswith("GGUF against the trained model on 1 prompt, held out\n")
    assert "Proven on 1 prompt only; a full proof takes 64 or more." in printed
    unproven = file("q8_0", 20, prompts=1, held_out_prompts=1, tokens_equal=0.0)
    assert unproven.notes == ("Compared on 1 prompt only; a full proof takes 64 or more.",)


def test_a_threshold_that_is_waived_is_not_recorded_as_one_that_holds() -> None:
    plain = file("q4_k_m", 10, held_out_prompts=0, greedy_equal=0.1)
    record = plain.as_dict()
    assert (record["verdict"], record["thresholds"]["greedy_equal"]) == ("proven", None)
    assert any("need not give the same answers" in note for note in record["notes"])
    held_out = file("q4_k_m", 10, greedy_equal=0.1).as_dict()
    assert (held_out["verdict"], held_out["thresholds"]["greedy_equal"], held_out["notes"]) == ("unproven", 0.8, [])
    assert file("q8_0", 10, held_out_prompts=0, greedy_equal=0.1).as_dict()["thresholds"]["greedy_equal"] == 0.9


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"stop_rate": 0.5}, "an end to 50.0% of the answers, the trained model to 100.0%"),
        ({"stop_rate": 0.95}, ""),
        ({"stop_rate": 0.5, "original_stop_rate": 0.55}, ""),
        ({"stop_rate": 0.7, "near_ties": 0.3}, ""),
        ({"reserved_token_rate": 0.05}, "reserved tokens in 5.0% of the answers, the trained model in 0.0%"),
        ({"reserved_token_rate": 0.3, "original_reserved_token_rate": 0.25}, ""),
    ],
    ids=["far fewer ends", "few fewer", "as few as the model", "near ties", "reserved tokens", "the model's own"],
)
def test_ends_and_reserved_tokens_are_measured_by_the_models_own(changes: dict[str, float], reason: str) -> None:
    assert file("q8_0", 20, **changes).reasons == ((reason,) if reason else ())


def test_the_models_own_ends_stand_beside_the_files_where_they_differ(capsys: pytest.CaptureFixture[str]) -> None:
    print_proof(Proof(Path(), (file("f16", 20), file("q8_0", 10, stop_rate=0.96))))
    lines = capsys.readouterr().out.splitlines()
    assert "(100)" not in lines[3]
    assert "96 (100)%" in lines[4]


@pytest.mark.parametrize("fault", ["vocabulary", "metadata"])
def test_a_file_of_an_earlier_export_that_failed_is_not_recommended_by_its_record(fault: str) -> None:
    failed, good = replace(file("q8_0", 9), **{fault: "another one"}), file("f16", 20)  # type: ignore[arg-type]
    kept, newest = (entry | {"prompts_sha256": "same"} for entry in Proof(Path(), (failed, good)).as_dict()["files"])
    record = join_records({}, [kept, newest])
    assert record["recommended"]["file"] == "model-f16.gguf"
    assert record["verdict"] == "unproven"
