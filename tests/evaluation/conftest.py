"""A judge for the worker processes that hangs or crashes when a program says so."""

from pathlib import Path

import pytest

HOSTILE = """
import os, time
import cadmonkey.cad.judge as module

judge = module.judge

def hostile(code, reference, stated=()):
    if "hang" in code:
        time.sleep(600)
    if "crash" in code:
        os._exit(9)
    return judge(code, reference, stated)

module.judge = hostile
"""


@pytest.fixture
def hostile_judge(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Workers started in this test hang on programs with the word hang, and die of those with the word crash."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(HOSTILE)
    monkeypatch.syspath_prepend(folder)
