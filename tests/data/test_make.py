"""Made data: the same bytes however it is made, whole or absent, and never mixed from two sets of choices."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.data import chunks as chunks_module
from cadmonkey.data.audit import audit
from cadmonkey.data.chunks import Settings, chunks_on_cores, make_chunk
from cadmonkey.data.columns import COLUMNS, read_parquet
from cadmonkey.data.make import make_folder, make_jsonl
from cadmonkey.data.rows import draw_part, make_row, row_of
from cadmonkey.data.verify import check_row
from cadmonkey.errors import InputError, RunError
from cadmonkey.files import read_json, read_jsonl
from cadmonkey.parts import PLAIN, Part

pytest.importorskip("pyarrow")

SETTINGS = Settings(rows=90, seed=3, mix="plain")
COMMAND = ["--rows", "90", "--seed", "3", "--mix", "plain", "--shard-rows", "40"]
ALONE = partial(chunks_on_cores, workers=1)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def data_make(out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cadmonkey.cli", "data", "make", "--out", str(out), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "data"
    make_folder(out, SETTINGS, ALONE, shard_rows=40)
    return out


def test_one_worker_and_two_write_the_same_bytes(made: Path, tmp_path: Path) -> None:
    done = data_make(tmp_path / "two", *COMMAND, "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "two") == contents(made)
    assert sorted(contents(made)) == ["README.md", "dataset.json", *(f"rows-0000{n}.parquet" for n in range(3))]
    assert "90 rows in 3 shards" in done.stderr


def test_the_shards_hold_every_column_and_the_rows_in_order(made: Path) -> None:
    rows = [row for path in sorted(made.glob("*.parquet")) for row in read_parquet(path)]
    assert [int(row["id"].rpartition("-")[2]) for row in rows] == list(range(90))
    for index, row in enumerate(rows):
        expected = make_row(index, seed=3, mix=PLAIN)
        assert {name: row[name] for name in expected} == expected
        assert row.keys() <= COLUMNS.keys()


def test_the_manifest_and_the_card_say_what_is_in_the_folder(made: Path) -> None:
    manifest, card = read_json(made / "dataset.json"), (made / "README.md").read_text()
    assert manifest["settings"] == {"rows": 90, "seed": 3, "mix": "plain", "shard_rows": 40}
    assert manifest["complete"]
    assert [shard["rows"] for shard in manifest["shards"].values()] == [40, 40, 10]
    assert sum(manifest["counts"]["split"].values()) == sum(manifest["counts"]["family"].values()) == 90
    assert "--rows 90 --seed 3 --mix plain" in card
    assert all(f"| `{name}` |" in card for name in COLUMNS)
    assert "{" not in card.replace('{"kind", "name", "mm" …}', "")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_killed_command_goes_on_and_ends_with_the_same_bytes(tmp_path: Path, workers: str) -> None:
    options = ["--rows", "1000", "--seed", "3", "--mix", "plain", "--shard-rows", "20", "--workers", workers]
    out, whole = tmp_path / "killed", tmp_path / "whole"
    command = [sys.executable, "-m", "cadmonkey.cli", "data", "make", "--out", str(out), *options]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    wait_for(lambda: (out / "rows-00001.parquet").exists() or process.poll() is not None)
    assert process.poll() is None, "it was done before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: not is_alive(process.pid))
    kept = {path.name: path.stat().st_mtime_ns for path in out.glob("*.parquet")}
    assert 1 <= len(kept) < 50
    finished = read_json(out / "dataset.json")["shards"]
    assert data_make(out, *options).returncode == 0
    assert all((out / name).stat().st_mtime_ns == kept[name] for name in finished)
    assert data_make(whole, *options).returncode == 0
    assert contents(out) == contents(whole)


def wait_for(what: Any, limit_s: float = 240) -> None:
    end = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def is_alive(group: int) -> bool:
    """Whether a process of the group is left: workers must not outlive a killed command."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_finished_folder_is_left_alone(made: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in made.iterdir()}
    assert data_make(made, *COMMAND).returncode == 0
    assert {path.name: path.stat().st_mtime_ns for path in made.iterdir()} == before


def test_a_damaged_shard_is_made_again(made: Path, tmp_path: Path) -> None:
    expected = contents(made)
    for name, content in expected.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "rows-00001.parquet").write_bytes(b"PAR1")
    make_folder(tmp_path, SETTINGS, ALONE, shard_rows=40)
    assert contents(tmp_path) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seed", "4"], "which has seed 3; got seed 4; choose another folder with --out, or start over with --fresh"),
        (["--rows", "91"], "which has rows 90; got rows 91"),
        (["--mix", "full"], "which has mix plain; got mix full"),
    ],
)
def test_other_choices_in_the_same_folder_are_refused(made: Path, options: list[str], message: str) -> None:
    before = contents(made)
    done = data_make(made, *COMMAND, *options)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert contents(made) == before


def test_fresh_starts_over(tmp_path: Path) -> None:
    make_folder(tmp_path, SETTINGS, ALONE, shard_rows=40)
    smaller = Settings(rows=30, seed=3, mix="plain")
    make_folder(tmp_path, smaller, ALONE, fresh=True)
    assert sorted(contents(tmp_path)) == ["README.md", "dataset.json", "rows-00000.parquet"]
    assert read_json(tmp_path / "dataset.json")["settings"]["rows"] == 30


@pytest.mark.parametrize("mine", [[], ["notes.txt"]])
def test_an_audit_does_not_stay_beside_rows_that_it_is_not_of(tmp_path: Path, mine: list[str]) -> None:
    make_folder(tmp_path, SETTINGS, ALONE, shard_rows=40)
    audit(tmp_path, tmp_path / "audit")
    make_folder(tmp_path, SETTINGS, ALONE, shard_rows=40)
    assert (tmp_path / "audit" / "audit.html").is_file(), "they are the same rows"
    for name in mine:
        (tmp_path / "audit" / name).write_text("mine")
    make_folder(tmp_path, Settings(rows=30, seed=3, mix="plain"), ALONE, fresh=True)
    assert [path.name for path in tmp_path.glob("audit/*")] == mine
    assert (tmp_path / "audit").exists() == bool(mine)


def test_rows_of_another_version_are_not_mixed_in(tmp_path: Path) -> None:
    make_folder(tmp_path, SETTINGS, ALONE, shard_rows=40)
    manifest = read_json(tmp_path / "dataset.json")
    (tmp_path / "dataset.json").write_text(json.dumps({**manifest, "generator": "0123456789abcdef"}))
    make_folder(tmp_path, SETTINGS, ALONE, shard_rows=40)
    (tmp_path / "rows-00001.parquet").unlink()
    with pytest.raises(InputError, match="begun by another version"):
        make_folder(tmp_path, SETTINGS, ALONE, shard_rows=40)


def test_a_folder_of_someone_elses_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(InputError, match=r"expected a new or an empty folder.*got README\.md"):
        make_folder(tmp_path, SETTINGS, ALONE)
    assert contents(tmp_path) == {"README.md": b"mine"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rows", "0"], "--rows: expected 1 or more, got 0"),
        (["--rows", "5", "--shard-rows", "0"], "--shard-rows: expected 1 or more, got 0"),
        (["--rows", "5", "--workers", "-1"], "--workers: expected 1 or more, got -1"),
    ],
)
def test_counts_that_make_no_sense_are_refused(tmp_path: Path, options: list[str], message: str) -> None:
    done = data_make(tmp_path / "out", *options)
    assert (done.returncode, done.stderr) == (2, f"error: {message}\n")
    assert not (tmp_path / "out").exists()


def test_a_folder_named_like_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    done = data_make(tmp_path / "rows.csv", "--rows", "5")
    assert (done.returncode, (tmp_path / "rows.csv").exists()) == (2, False)
    assert "expected a folder, or a name that ends in .jsonl, got" in done.stderr


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file" / "data", tmp_path / "file" / "data.jsonl"):
        done = data_make(out, "--rows", "5")
        assert done.returncode == 2
        assert "cannot be written" in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_full_disk_leaves_no_half_shard_and_the_next_run_goes_on(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, sizes = Path.write_bytes, []

    def full(path: Path, content: bytes) -> int:
        sizes.append(len(content))
        if len(sizes) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(RunError, match="no space left on the disk"):
            make_folder(tmp_path, SETTINGS, ALONE, shard_rows=40)
    assert sorted(contents(tmp_path)) == ["dataset.json", "rows-00000.parquet"]
    make_folder(tmp_path, SETTINGS, ALONE, shard_rows=40)
    assert contents(tmp_path) == contents(made)


def test_a_jsonl_file_has_the_same_rows(made: Path, tmp_path: Path) -> None:
    make_jsonl(tmp_path / "rows.jsonl", SETTINGS, ALONE)
    rows = [row for path in sorted(made.glob("*.parquet")) for row in read_parquet(path)]
    assert read_jsonl(tmp_path / "rows.jsonl") == rows


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"expected the package pyarrow.*pip install 'cadmonkey\[data\]'"):
        make_folder(tmp_path / "out", SETTINGS, ALONE)
    assert not (tmp_path / "out").exists()
    make_jsonl(tmp_path / "rows.jsonl", Settings(rows=3, seed=3, mix="plain"), ALONE)


def test_a_refused_row_is_named_and_another_is_drawn_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    unlucky = make_row(1, seed=3, mix=PLAIN)
    monkeypatch.setattr(
        chunks_module, "check_row", lambda row, part=None: "too round" if row["prompt"] == unlucky["prompt"] else None
    )
    chunk = make_chunk(SETTINGS, (0, 3))
    assert chunk.refused == [{"id": unlucky["id"], "reason": "too round", "prompt": unlucky["prompt"]}]
    assert [row["id"] for row in chunk.rows] == [make_row(index, seed=3, mix=PLAIN)["id"] for index in range(3)]
    assert chunk.rows[1] == row_of(draw_part(1, seed=3, mix=PLAIN, attempt=1), 1, seed=3) != unlucky


def test_rows_that_are_all_refused_stop_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks_module, "check_row", lambda row, part=None: "too round")
    with pytest.raises(RunError, match="refused 20 parts in a row: too round"):
        make_chunk(SETTINGS, (0, 3))


def first(family: str) -> tuple[dict[str, Any], Part]:
    part = next(part for n in range(40) if (part := draw_part(n, seed=5, mix=PLAIN)).family == family)
    return row_of(part, 0, seed=5), part


@pytest.mark.parametrize("family", PLAIN.families)
def test_a_row_that_is_made_is_right(family: str) -> None:
    row, part = first(family)
    assert check_row(row) is None
    assert check_row(row, part) is None


@pytest.mark.parametrize("with_part", [False, True])
def test_a_row_with_a_fault_is_refused(with_part: bool) -> None:
    (spacer, part), (block, _) = first("spacer"), first("block")
    wrong = [{**check, "mm": check["mm"] + 0.1} for check in spacer["stated"]]
    refused = {
        "measured": {**spacer, "stated": wrong},
        "different parts": {**spacer, "completion_ir": block["completion_ir"]},
        "line 1": {**spacer, "completion": "cube([1, 2"},
        "line 2": {**spacer, "completion_ir": "C 1 2 3\nC 1"},
        "expected a known kind": {**spacer, "stated": [{"kind": "weight", "name": "weight", "mm": 3}]},
    }
    for words, row in refused.items():
        reason = check_row(row, part if with_part else None)
        assert reason is not None
        assert words in reason
    assert check_row({**block, "stated": []}, part) == "the completion does not read back as the part"
    empty = {
        "completion": "difference() { cube(5); cube(6); }",
        "completion_ir": "C 5 5 5\nC 6 6 6\nD 0 1",
        "stated": [],
    }
    assert "empty" in str(check_row(empty))


def test_notations_with_other_trees_but_one_solid_are_one_part() -> None:
    row = {"completion": "translate([0, 0, 0]) cube([4, 5, 6]);", "completion_ir": "C 4 5 6", "stated": []}
    assert check_row(row) is None
    assert check_row({**row, "completion_ir": "C 4 5 6.001"}) == "the two notations are different parts"
