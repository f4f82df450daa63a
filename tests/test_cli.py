import subprocess
import sys

import pytest

from cadmonkey.cli import _stem


def cadmonkey(*arguments, **options):
    command = [sys.executable, "-m", "cadmonkey.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, **options)


def test_help_names_the_commands_and_a_wrong_option_is_status_2():
    done = cadmonkey("--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in ("generate", "evaluate", "data"))
    assert cadmonkey("generate", "a cube", "--nonsense").returncode == 2


@pytest.mark.parametrize(
    ("prompt", "stem"),
    [
        ("50 x 30 x 5 mm plate", "50-x-30-x-5-mm-plate"),
        ("A 5.5 mm hole. Please!", "a-5.5-mm-hole-please"),
        ("../../etc/passwd", "etc-passwd"),
        ("Ø20 Kegel für Lüfter", "ø20-kegel-für-lüfter"),
        ("...", "part"),
    ],
)
def test_a_file_name_is_the_prompt_in_safe_letters(prompt, stem):
    assert _stem(prompt) == stem


def test_long_prompts_that_begin_alike_get_different_names():
    names = {_stem("50 x 30 x 5 mm plate with four holes near the corners and " + end) for end in ("a", "b")}
    assert len(names) == 2
    assert all(len(name) <= 48 and name.startswith("50-x-30-x-5-mm-plate-with-four-holes") for name in names)
