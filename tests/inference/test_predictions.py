import json
from pathlib import Path

import pytest

from cadmonkey.errors import InputError
from cadmonkey.files import read_jsonl
from cadmonkey.inference import Generator, Sampling, predict, read_prompts

PROMPTS = [{"id": f"p{number}", "prompt": f"cube {number}"} for number in range(6)]


@pytest.fixture
def asked(monkeypatch):
    """The prompts that are really generated, in order."""
    seen: list[str] = []
    generate = Generator.generate

    def spy(self, prompt, *args, **options):
        seen.append(prompt)
        return generate(self, prompt, *args, **options)

    monkeypatch.setattr(Generator, "generate", spy)
    return seen


def killed_after(monkeypatch, count: int) -> None:
    """Make the next generations end like a kill after `count` of them."""
    generate = Generator.generate
    left = [count]

    def dying(self, *args, **options):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return generate(self, *args, **options)

    monkeypatch.setattr(Generator, "generate", dying)


def test_lines_are_in_the_prompts_order_with_the_documented_fields(cube_model, tmp_path):
    speed = predict(cube_model, PROMPTS, tmp_path / "out")
    rows = read_jsonl(tmp_path / "out" / "predictions.jsonl")
    assert [row["id"] for row in rows] == [row["id"] for row in PROMPTS]
    assert list(rows[0]) == ["id", "prompt", "code", "language", "stop_reason", "tokens", "seconds"]
    assert rows[3]["code"] == "cube([10,20,30]);"
    assert rows[3]["language"] == "openscad"
    assert speed.tokens == 30
    record = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert record["model"] == "cube.gguf"
    assert record["tokens_per_s"] == pytest.approx(speed.tokens / speed.seconds, abs=0.1)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["predictions.json", "predictions.jsonl"]


def test_a_killed_batch_continues_where_it_stopped_even_after_a_torn_line(cube_model, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        killed_after(patch, 4)
        with pytest.raises(KeyboardInterrupt):
            predict(cube_model, PROMPTS, tmp_path)
    (part,) = tmp_path.glob(".predictions-*.part.jsonl")
    assert not (tmp_path / "predictions.jsonl").exists()
    part.write_bytes(part.read_bytes()[:-10])
    seen = []
    generate = Generator.generate
    monkeypatch.setattr(Generator, "generate", lambda self, p, *a, **o: seen.append(p) or generate(self, p, *a, **o))
    predict(cube_model, PROMPTS, tmp_path)
    assert seen == ["cube 3", "cube 4", "cube 5"]
    assert [row["id"] for row in read_jsonl(tmp_path / "predictions.jsonl")] == [row["id"] for row in PROMPTS]
    assert not part.exists()


def test_a_finished_batch_is_not_done_again_unless_asked(cube_model, tmp_path, asked, capsys):
    predict(cube_model, PROMPTS, tmp_path)
    predict(cube_model, PROMPTS, tmp_path)
    assert len(asked) == 6
    assert "done before" in capsys.readouterr().err
    predict(cube_model, PROMPTS, tmp_path, fresh=True)
    assert len(asked) == 12


@pytest.mark.parametrize("change", ["model", "prompts", "settings"])
def test_another_model_other_prompts_or_settings_start_over(cube_model, tmp_path, monkeypatch, write_gguf, change):
    with monkeypatch.context() as patch:
        killed_after(patch, 4)
        with pytest.raises(KeyboardInterrupt):
            predict(cube_model, PROMPTS, tmp_path / "out")
    seen = []
    generate = Generator.generate
    monkeypatch.setattr(Generator, "generate", lambda self, p, *a, **o: seen.append(p) or generate(self, p, *a, **o))
    model = write_gguf(tmp_path / "other.gguf", ["cube(", "9);"]) if change == "model" else cube_model
    prompts = [*PROMPTS[:5], {"id": "p5", "prompt": "ball"}] if change == "prompts" else PROMPTS
    sampling = Sampling(seed=1) if change == "settings" else Sampling()
    predict(model, prompts, tmp_path / "out", sampling=sampling)
    assert len(seen) == 6
    assert not list((tmp_path / "out").glob(".predictions-*"))


def test_a_prompt_that_cannot_be_used_is_found_before_anything_is_written(cube_model, tmp_path):
    with pytest.raises(InputError, match=r"id 'long': prompt: .* leave no room"):
        predict(cube_model, [*PROMPTS, {"id": "long", "prompt": "x" * 400}], tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('{"id": "a", "prompt": "x"}\n{"id": "b"}', r'p\.jsonl:2: .*"prompt"'),
        ('{"id": "a", "prompt": "x"}\n{"id": "a", "prompt": "y"}', "'a' twice"),
        ('{"id": "2", "prompt": "x"}\n{"prompt": "y"}', "'2' twice"),
        ('{"prompt": "x"}\n{"id": 7, "prompt": "y"}', r'p\.jsonl:2: expected a text in "id", or no "id", got 7'),
        ("", "got none"),
    ],
)
def test_prompts_that_are_incomplete_repeated_or_absent_are_bad_input(tmp_path: Path, lines, message):
    (tmp_path / "p.jsonl").write_text(lines)
    with pytest.raises(InputError, match=message):
        read_prompts(tmp_path / "p.jsonl")


def test_a_prompt_without_an_id_has_the_number_of_its_line(tmp_path: Path):
    lines = ['{"prompt": "x", "family": "f"}', "", '{"id": null, "prompt": "y"}', '{"id": "a", "prompt": "z"}']
    (tmp_path / "p.jsonl").write_text("\n".join(lines))
    rows = read_prompts(tmp_path / "p.jsonl")
    assert [(row["id"], row["prompt"]) for row in rows] == [("1", "x"), ("3", "y"), ("a", "z")]
    assert rows[0]["family"] == "f"
