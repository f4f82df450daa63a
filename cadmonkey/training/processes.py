"""The processes of one run: torchrun and `accelerate launch` start one for each GPU, and number them by environment."""

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from cadmonkey.errors import InputError

_PATIENCE = timedelta(hours=3)
"""How long the others wait for the first, which makes the data and measures alone."""


def world_size() -> int:
    """Return how many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """True for the process that writes the files and talks."""
    return os.environ.get("RANK", "0") == "0"


def join_processes() -> None:
    """Meet the other processes of this run, if there are any; all but the first fall silent on stdout.

    Raises:
        InputError: more were asked for than there are, or they do not know of each other.
    """
    _refuse_strangers()
    if world_size() == 1:
        return
    import torch

    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    torch.distributed.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo", timeout=_PATIENCE)
    if not is_first():
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (open until the process ends)


def _refuse_strangers() -> None:
    """Refuse what `accelerate launch --cpu --num_processes 2` starts: one process, or with MPI two that are each one.

    Raises:
        InputError: this is such a process.
    """
    asked_for_more = os.environ.get("ACCELERATE_USE_CPU", "").lower() == "true" and "MASTER_ADDR" in os.environ
    if asked_for_more and "WORLD_SIZE" not in os.environ:
        raise InputError(
            "accelerate launch --cpu: expected processes that know of each other, got one by itself, whatever "
            "--num_processes says; use torchrun --nproc-per-node 2 (or leave --num_processes out)"
        )


def wait_for_all() -> None:
    """Return once every process has come here."""
    if world_size() > 1:
        import torch

        # Not barrier(): NCCL's would take GPU memory and, on the wrong device, hang.
        torch.distributed.all_reduce(torch.zeros(1))


def first_alone(work: Callable[[], None]) -> None:
    """Do `work` in the first process, while the others wait; what it writes is there for all of them afterwards.

    If it fails, the launcher ends the others.
    """
    if is_first():
        work()
    wait_for_all()
