"""Solids are made in one thread, and the process keeps all its cores."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BOOLEAN = "(Manifold.sphere(10, 400) - Manifold.sphere(9, 400).translate((1, 0, 0))).volume()"
CONFINED = f"""
import os
cores = os.sched_getaffinity(0)
from cadmonkey.cad import solid
from manifold3d import Manifold
before = len(os.listdir("/proc/self/task"))
{BOOLEAN}
print(len(os.listdir("/proc/self/task")) - before, os.sched_getaffinity(0) == cores)
"""
FREE = f"""
import os
from manifold3d import Manifold
before = len(os.listdir("/proc/self/task"))
{BOOLEAN}
print(len(os.listdir("/proc/self/task")) - before)
"""


def printed(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="the threads of a process are counted in /proc")
def test_a_boolean_starts_no_thread_and_the_cores_stay() -> None:
    if os.cpu_count() == 1 or int(printed(FREE)) == 0:
        pytest.skip("manifold3d starts no threads here by itself")
    assert printed(CONFINED) == "0 True"
