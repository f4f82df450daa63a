import json
import os
import re
import subprocess
import sys

import pytest
from PIL import Image


def cadmonkey(*arguments, **options):
    command = [sys.executable, "-m", "cadmonkey.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, **options)


def test_a_sentence_gives_the_code_alone_on_stdout_and_the_measures_on_stderr(cube_model):
    done = cadmonkey("generate", "a cube", "--model", cube_model)
    assert done.returncode == 0
    assert done.stdout == "cube([10,20,30]);\n"
    assert done.stderr == "10 x 20 x 30 mm, 6,000 mm³, 1 body\n"


def test_with_out_the_program_the_mesh_and_the_picture_are_written_under_the_prompts_name(cube_model, tmp_path):
    done = cadmonkey("generate", "A 5.5 mm cube, please", "--model", cube_model, "--out", tmp_path / "parts")
    assert done.returncode == 0
    stem = tmp_path / "parts" / "a-5.5-mm-cube-please"
    assert sorted(path.name for path in stem.parent.iterdir()) == [f"{stem.name}.{e}" for e in ("png", "scad", "stl")]
    assert stem.with_name(stem.name + ".scad").read_text() == "cube([10,20,30]);\n"
    assert Image.open(stem.with_name(stem.name + ".png")).size == (640, 480)
    assert stem.with_name(stem.name + ".stl").stat().st_size == 84 + 12 * 50
    assert done.stderr == f"{stem}.scad: 10 x 20 x 30 mm, 6,000 mm³, 1 body\n"


def test_a_program_that_is_cut_off_is_kept_and_explained_with_status_1(cube_model, tmp_path):
    done = cadmonkey(
        "generate", "a cube", "--model", cube_model, "--no-grammar", "--max-tokens", "2", "--out", tmp_path
    )
    assert done.returncode == 1
    assert [path.name for path in tmp_path.glob("a-cube.*")] == ["a-cube.scad"]
    assert re.fullmatch(r"error: .*a-cube\.scad: the model's program is wrong \(it was cut off; .*\n", done.stderr)


def test_a_program_that_leaves_no_material_is_explained_with_status_1(tmp_path, write_gguf):
    pieces = ["difference()", "{cube(", "5);", "sphere(", "50);", "}//"]
    done = cadmonkey("generate", "nothing", "--no-grammar", "--model", write_gguf(tmp_path / "m.gguf", pieces))
    assert done.returncode == 1
    assert "leaves nothing of the part" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_file_of_prompts_gives_predictions(cube_model, tmp_path):
    prompts = tmp_path / "p.jsonl"
    prompts.write_text('{"id": "b", "prompt": "one"}\n{"id": "a", "prompt": "two"}\n')
    done = cadmonkey("generate", "--prompts", prompts, "--out", tmp_path / "out", "--model", cube_model)
    assert done.returncode == 0
    assert done.stdout == ""
    assert re.search(r"2 programs, 10 tokens, [\d,]+ tokens/s", done.stderr)
    rows = [json.loads(line) for line in (tmp_path / "out" / "predictions.jsonl").read_text().splitlines()]
    assert [(row["id"], row["code"]) for row in rows] == [("b", "cube([10,20,30]);"), ("a", "cube([10,20,30]);")]


def test_a_closed_pipe_is_quiet(cube_model):
    shell = f'"{sys.executable}" -m cadmonkey.cli generate "a cube" --model "{cube_model}" | true'
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert "Broken" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a cube", "--model", "missing.gguf"], r"missing\.gguf: cannot be read"),
        (["a cube", "--model", "file"], "file: no GGUF file"),
        (["a cube", "--model", "missing.gguf", "--out", "file/parts"], r"file/parts: cannot be written"),
        (["", "--model", "missing.gguf"], "got an empty one"),
        ([], "or --prompts, got neither"),
        (["a cube", "--prompts", "p.jsonl"], "or --prompts, got both"),
        (["--prompts", "p.jsonl"], "add --out DIR"),
        (["--prompts", "bad.jsonl", "--out", "out"], r"bad\.jsonl:1: .*\"prompt\""),
        (["a cube", "--max-tokens", "5"], "max_tokens: expected at least 9 with the grammar on"),
        (["a cube", "--threads", "0"], "--threads: expected 1 or more"),
    ],
)
def test_bad_input_is_one_line_and_status_2_before_anything_is_written(tmp_path, cube_model, arguments, message):
    (tmp_path / "file").write_text("hello")
    (tmp_path / "bad.jsonl").write_text('{"id": "1"}\n')
    if "--prompts" in arguments:
        arguments = [*arguments, "--model", str(cube_model)]
    before = sorted(tmp_path.rglob("*"))
    done = cadmonkey("generate", *arguments, cwd=tmp_path, env=here())
    assert done.returncode == 2
    assert re.fullmatch(rf"error: .*{message}.*\n", done.stderr)
    assert done.stdout == ""
    assert sorted(tmp_path.rglob("*")) == before


def here() -> dict[str, str]:
    """The environment, with this checkout's cadmonkey found from any folder."""
    from cadmonkey import cli

    return {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(cli.__file__))}  # noqa: PTH120


def test_generating_imports_no_torch_and_no_plotting_library(cube_model):
    code = (
        "import sys; from cadmonkey.cli import main\n"
        f"sys.argv = ['cadmonkey', 'generate', 'a cube', '--model', {str(cube_model)!r}]\n"
        "main()\n"
        "print([name for name in ('torch', 'transformers', 'matplotlib', 'trimesh') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "cube([10,20,30]);\n[]\n"
