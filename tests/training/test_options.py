"""The command line of a recipe that can compare its presets."""

from dataclasses import replace
from pathlib import Path

import pytest

from cadmonkey.errors import InputError
from cadmonkey.training.options import read_runs
from cadmonkey.training.recipe import Recipe

PRESETS = {name: Recipe(base_model="none/none", learning_rate=rate) for name, rate in (("slow", 1e-5), ("fast", 1e-3))}


def test_a_comparison_gives_each_preset_its_folder_and_what_else_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["mine.py", "--max-steps", "7", "--compare", "slow", "fast"])
    runs = read_runs("mine", PRESETS, "slow", "")
    assert [options.out for options in runs] == [Path("outputs/mine-slow-fast") / name for name in ("slow", "fast")]
    assert [(options.recipe.learning_rate, options.recipe.max_steps) for options in runs] == [(1e-5, 7), (1e-3, 7)]


def test_without_a_comparison_there_is_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["mine.py", "--preset", "fast", "--out", "there"])
    (options,) = read_runs("mine", PRESETS, "slow", "")
    assert (options.preset, options.out, options.recipe.learning_rate) == ("fast", Path("there"), 1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--compare", "slow"], "--compare: expected two or more different presets, got slow"),
        (["--compare", "slow", "slow"], "--compare: expected two or more different presets"),
        (["--compare", "slow", "large"], "expected slow or fast, got 'large'"),
        (["--compare", "slow", "fast", "--preset", "fast"], "--compare: expected no --preset beside it"),
    ],
)
def test_a_comparison_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.setattr("sys.argv", ["mine.py", *arguments])
    with pytest.raises(InputError, match=message):
        read_runs("mine", PRESETS, "slow", "")


@pytest.mark.parametrize(("argument", "expected"), [("--no-load-in-4bit", False), ("--load-in-4bit", True)])
def test_a_flag_may_be_given_as_it_stands_already(
    monkeypatch: pytest.MonkeyPatch, argument: str, expected: bool
) -> None:
    for before in (False, True):
        monkeypatch.setattr("sys.argv", ["mine.py", argument])
        presets = {"slow": replace(PRESETS["slow"], load_in_4bit=before)}
        (options,) = read_runs("mine", presets, "slow", "")
        assert options.recipe.load_in_4bit is expected
