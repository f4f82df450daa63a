"""Only a release that is proven throughout is uploaded, whole; a model is fetched by its id."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cadmonkey.gguf import UnprovenError, export_without_proof
from cadmonkey.gguf.hub import names_to_push
from tests.gguf.fake_hub import FakeHub, running_hub


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    """A Hub that takes everything."""
    with running_hub() as hub:
        yield hub


def _push(folder: Path, environment: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys; from pathlib import Path\n"
        "from cadmonkey.gguf.hub import push; from cadmonkey.terminal import run\n"
        "run(lambda: print(push(Path(sys.argv[1]), sys.argv[2], private='--private' in sys.argv)))"
    )
    command = [sys.executable, "-c", code, str(folder), "me/parts", *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def _snapshot(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_hub_holds_the_release_byte_for_byte_and_no_adapter_and_no_prompts(
    hub: FakeHub, released: Path, tmp_path: Path
) -> None:
    done = _push(released, hub.environment(tmp_path / "cache"), "--private")
    assert (done.returncode, done.stderr) == (0, "")
    sent = hub.repositories["me/parts"]
    assert sorted(sent) == [
        *("Modelfile", "README.md", "SHA256SUMS", "grammar-ir.gbnf", "grammar.gbnf"),
        *("model-f16.gguf", "model-q8_0.gguf", "proof.json"),
    ]
    assert {name: content == (released / name).read_bytes() for name, content in sent.items()} == dict.fromkeys(
        sent, True
    )
    assert hub.private == {"me/parts": True}
    assert done.stdout.startswith(f"{hub.url}/me/parts/commit/")


def test_a_card_edited_by_hand_is_pushed_with_sums_that_hold(hub: FakeHub, released: Path, tmp_path: Path) -> None:
    environment = hub.environment(tmp_path / "cache")
    _push(released, environment)
    (released / "README.md").write_text((released / "README.md").read_text() + "\nmore\n")
    assert _push(released, environment).returncode == 0
    sent = hub.repositories["me/parts"]
    assert sent["README.md"].endswith(b"more\n")
    assert f"{hashlib.sha256(sent['README.md']).hexdigest()}  README.md" in sent["SHA256SUMS"].decode().splitlines()


@pytest.mark.parametrize(
    ("refuse", "changes", "status", "words"),
    [
        (403, {}, 1, "it answered 403: you may not write here"),
        (401, {}, 1, "401"),
        (0, {"HF_ENDPOINT": "http://127.0.0.1:1"}, 1, "cannot be reached"),
        (0, {"HF_TOKEN": ""}, 2, "expected a token of the Hub, got none; run `hf auth login`, or set HF_TOKEN"),
        (0, {"HF_HUB_OFFLINE": "1"}, 2, "HF_HUB_OFFLINE is set"),
    ],
    ids=["refused", "wrong token", "no network", "no token", "offline"],
)
def test_a_push_that_fails_says_why_on_one_line_and_loses_nothing(
    refuse: int, changes: dict[str, str], status: int, words: str, released: Path, tmp_path: Path
) -> None:
    before = _snapshot(released)
    with running_hub(refuse=refuse) as hub:
        done = _push(released, hub.environment(tmp_path / "cache", **changes))
        assert hub.stored == {}
    assert (done.returncode, len(done.stderr.splitlines())) == (status, 1), done.stderr
    assert words in done.stderr
    assert _snapshot(released) == before


@pytest.mark.parametrize("spoilt", ["a file that failed", "a file without proof", "a file changed after its proof"])
def test_what_is_not_proven_is_refused_with_status_3_before_the_hub_is_asked(
    spoilt: str, hub: FakeHub, released: Path, run_folder: Path, tmp_path: Path
) -> None:
    if spoilt == "a file that failed":
        record = json.loads((released / "proof.json").read_text())
        record["files"][0]["verdict"] = "unproven"
        (released / "proof.json").write_text(json.dumps(record))
    elif spoilt == "a file without proof":
        export_without_proof(released, ("q4_k_m",))
    else:
        with (released / "model-q8_0.gguf").open("r+b") as file:
            file.seek(-1, 2)
            file.write(b"\x7f" if file.read(1) != b"\x7f" else b"\x00")
    done = _push(released, hub.environment(tmp_path / "cache"))
    assert (done.returncode, len(done.stderr.splitlines())) == (3, 1), done.stderr
    assert hub.requests == []


def test_a_folder_without_a_release_is_bad_input(tmp_path: Path) -> None:
    from cadmonkey.errors import InputError

    with pytest.raises(InputError, match=r"proof\.json: expected the record of an export"):
        names_to_push(tmp_path)


def test_the_adapters_own_file_goes_with_the_card_and_the_sums_that_name_it(released: Path) -> None:
    (released / "adapter.gguf").write_bytes(b"two thin matrices")
    assert "adapter.gguf" not in names_to_push(released), "one that no export of ours wrote"
    record = json.loads((released / "proof.json").read_text())
    digest = hashlib.sha256(b"two thin matrices").hexdigest()
    record["adapter"] = {"file": "adapter.gguf", "size_bytes": 17, "sha256": digest}
    (released / "proof.json").write_text(json.dumps(record))
    assert "adapter.gguf" in names_to_push(released)
    (released / "adapter.gguf").write_bytes(b"two thin matrixes")
    with pytest.raises(UnprovenError, match=r"adapter\.gguf: expected the file that card and sums name, got another"):
        names_to_push(released)


def test_names_to_push_refuses_a_missing_file(released: Path) -> None:
    (released / "model-f16.gguf").unlink()
    with pytest.raises(UnprovenError, match=r"model-f16\.gguf: expected the file that was proven, got another or none"):
        names_to_push(released)
