"""A pool of worker processes in which a program that hangs, crashes or eats memory harms nobody but itself."""

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cadmonkey.errors import RunError

Request = dict[str, Any]
Answer = dict[str, Any]

TIME_LIMIT_S = 20.0
"""Wall-clock time for one request."""
START_LIMIT_S = 120.0
_STARTING = -1


def work(
    requests: list[Request],
    *,
    processes: int | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    done: Callable[[Answer], None] = lambda answer: None,
) -> list[Answer]:
    """Return the worker's answer to each request, in order; {"failed": why} where it gave none.

    Args:
        requests: what `cadmonkey.cad.worker` understands.
        processes: None: one per core that this process may use.
        time_limit_s: wall-clock time for one request.
        done: called with every answer as it comes.
    """
    answers: list[Answer] = [{} for _ in requests]
    waiting = list(enumerate(requests))[::-1]
    pool = [_Worker(time_limit_s) for _ in range(min(processes or _cores(), len(requests)))]
    try:
        while waiting or any(worker.job is not None for worker in pool):
            for worker in pool:
                if worker.job is None and waiting:
                    worker.give(*waiting.pop())
            for job, answer in _collect([worker for worker in pool if worker.job is not None]):
                answers[job] = answer
                done(answer)
    finally:
        for worker in pool:
            worker.stop()
    return answers


def _collect(busy: "list[_Worker]") -> Iterable[tuple[int, Answer]]:
    """Wait until a worker answers, dies or runs out of time, and return what is known then."""
    with selectors.DefaultSelector() as selector:
        for worker in busy:
            selector.register(worker.process.stdout, selectors.EVENT_READ, worker)
        timeout_s = max(min(worker.deadline for worker in busy) - time.monotonic(), 0)
        ready = {key.data.number for key, _ in selector.select(timeout_s)}
    for worker in busy:
        assert worker.job is not None
        job = worker.job
        if worker.number in ready:
            answer = worker.take()
            if job != _STARTING:
                yield job, answer
        elif job == _STARTING and time.monotonic() >= worker.deadline:
            raise RunError(f"the judge's process did not start in {START_LIMIT_S:.0f} s; end other work and run again")
        elif time.monotonic() >= worker.deadline:
            worker.restart()
            yield job, {"failed": "time limit"}


@dataclass
class _Worker:
    """One process and the request that it is busy with."""

    time_limit_s: float
    job: int | None = None
    deadline: float = 0.0
    process: Any = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    @property
    def number(self) -> int:
        return int(self.process.pid)

    def start(self) -> None:
        # A process of our own making, because multiprocessing would run the caller's main module once more in it.
        # Each worker is one thread: numerical libraries that start threads of their own only get in each other's way.
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": _python_path()}
        command = [sys.executable, "-c", "from cadmonkey.cad.worker import main; main()"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self.job, self.deadline = _STARTING, time.monotonic() + START_LIMIT_S

    def give(self, job: int, request: Request) -> None:
        self.job, self.deadline = job, time.monotonic() + self.time_limit_s
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            self.deadline = 0.0  # it died: `take` finds the end of its answers

    def take(self) -> Answer:
        line = self.process.stdout.readline()
        if line.endswith(b"\n"):
            self.job = None
            return dict(json.loads(line))
        if self.job == _STARTING:
            raise RunError("the judge's process ended before it began; its message stands above")
        self.restart()
        return {"failed": "crashed the judge"}

    def restart(self) -> None:
        self.stop()
        self.start()

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def _python_path() -> str:
    """Return a PYTHONPATH with which the worker finds the same modules as this process."""
    return os.pathsep.join(path or str(Path.cwd()) for path in sys.path)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
