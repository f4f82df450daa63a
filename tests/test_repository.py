"""What the repository promises as a whole: its documents, its rooms and what the base install needs."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FORBIDDEN = {
    "package-registry host": re.compile(
        r"pypi\.org|pythonhosted\.org|download\.pytorch\.org|registry\.npmjs|conda\.anaconda"
    ),
    "path of a build machine": re.compile(r"/(?:root|work|opt/wheels|opt/pypi)/|/home/\w+/|/Users/\w+/"),
}
HEAVY = (
    *("torch", "transformers", "unsloth", "peft", "trl", "datasets", "accelerate", "gguf", "matplotlib", "llama_cpp"),
    *("pyarrow", "tokenizers", "ray"),
)
BASE_ROOMS = ("cad", "parts", "data", "inference", "evaluation", "cli")


def tracked_files() -> list[Path]:
    """Every file that a clone would hold, or will once it is added."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def base_modules() -> list[str]:
    """The modules that must import without the train extra, by dotted name."""
    rooms = [ROOT / "cadmonkey" / room for room in BASE_ROOMS]
    files = [file for room in rooms for file in (sorted(room.rglob("*.py")) or [room.with_suffix(".py")])]
    return [
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for file in files
        if file.name != "__main__.py"
    ]


def test_the_rooms_keep_the_import_contract() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()", "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_base_install_imports_without_the_training_packages() -> None:
    script = (
        "import importlib, sys\n"
        f"sys.modules.update(dict.fromkeys({HEAVY!r}))\n"
        f"for name in {base_modules()!r}: importlib.import_module(name)\n"
    )
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_the_readme_is_short_and_names_the_two_commands() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 200
    assert {"make cadmonkey", "make test"} <= {command for line in lines for command in re.findall(r"make \w+", line)}


def test_every_local_link_of_the_documents_leads_somewhere() -> None:
    for document in [*ROOT.glob("*.md"), *(ROOT / "data").glob("*.md"), *(ROOT / "cadmonkey" / "assets").rglob("*.md")]:
        text = document.read_text(encoding="utf-8")
        links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) + re.findall(r'src="([^"]+)"', text)
        dead = [link for link in links if "://" not in link and not (document.parent / link).exists()]
        assert not dead, f"{document.name} links to {dead}"


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_committed_file_names_a_(what: str) -> None:
    found = []
    for path in tracked_files():
        if path == Path(__file__).resolve() or b"\0" in (content := path.read_bytes()):
            continue
        for number, line in enumerate(content.decode("utf-8", errors="replace").splitlines(), start=1):
            if FORBIDDEN[what].search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


def test_every_shipped_model_has_a_card_that_states_its_licence() -> None:
    assets = ROOT / "cadmonkey" / "assets"
    weights = [file for pattern in ("*.gguf", "*.safetensors") for file in assets.rglob(pattern)]
    assert weights, "cadmonkey/assets ships no model"
    for file in weights:
        card = file.parent / "README.md"
        assert card.is_file(), f"{file.relative_to(ROOT)} has no README.md beside it"
        text = card.read_text(encoding="utf-8")
        assert file.name in text, f"{card.relative_to(ROOT)} does not name {file.name}"
        assert "license: apache-2.0" in text.lower(), f"{card.relative_to(ROOT)} states no licence"


def test_the_sample_table_agrees_with_the_files() -> None:
    data = ROOT / "data"
    text = (data / "README.md").read_text(encoding="utf-8")
    stated = {
        name: (int(rows), set(re.findall(r"`(\w+)`", columns)))
        for name, rows, columns in re.findall(r"^\| `([\w.-]+)` \| (\d+) \| ([^|]+) \|", text, flags=re.MULTILINE)
    }
    found = {}
    for file in data.glob("*.jsonl"):
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        assert all(set(row) == set(rows[0]) for row in rows), f"{file.name}: rows with different columns"
        found[file.name] = (len(rows), set(rows[0]))
    assert found == stated


def test_constraints_pin_every_direct_dependency() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pinned = {normal(name) for name in re.findall(r"^([\w.-]+)==", constraints, flags=re.MULTILINE)}
    needed = {normal(name) for name in re.findall(r'^    "([A-Za-z][\w.-]*)\s*[<>=;]', project, flags=re.MULTILINE)}
    assert {"torch", "llama-cpp-python", "pytest"} <= needed
    assert needed <= pinned


def test_an_old_python_is_refused_with_a_remedy(tmp_path: Path) -> None:
    old = tmp_path / "python-old"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && { echo "Python 3.9.1"; exit 0; }\nexit 1\n', encoding="utf-8")
    old.chmod(0o755)
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text(encoding="utf-8"), encoding="utf-8")
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).touch()
    result = subprocess.run(["make", "setup", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode != 0
    assert "expected Python 3.11 or newer, got Python 3.9.1" in result.stderr
    assert not (tmp_path / ".venv").exists()


def normal(name: str) -> str:
    """The name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
