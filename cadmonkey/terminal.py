"""What every command shares at the terminal: errors on one line, exit statuses, progress, and a folder to write to."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cadmonkey.errors import CadmonkeyError, InputError

Advance = Callable[[str], None]
"""Call it once an item is done, with a few words that are shown beside the bar ("2,031 tokens/s")."""

PLAIN_LINE_EVERY_S = 10.0


def run(main: Callable[[], None]) -> None:
    """Call `main`; explain a CadmonkeyError on one line of stderr and exit with its status, without a traceback.

    Ctrl-C exits with 130, SIGTERM with 143 and a closed pipe (`| head`) with 141, all as shells expect, and each after
    what is half-written has been removed. Any other exception is a defect of ours and keeps its traceback and status 1.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        main()
        sys.stdout.flush()
    except CadmonkeyError as error:
        print("error: " + " ".join(str(error).split()), file=sys.stderr)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # Python flushes stdout once more on its way out; it must not find the closed pipe there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)


def run_apart(main: Callable[..., None], *arguments: object) -> None:
    """Call `main(*arguments)` in a fresh process, and exit with its status if it fails.

    Libraries that patch what they import do not reach the next call, and its memory is counted from the start.
    """
    process = multiprocessing.get_context("spawn").Process(target=_run_with, args=(main, arguments))
    process.start()
    try:
        process.join()
    except SystemExit:  # of SIGTERM, which this process alone was sent
        process.terminate()
        raise
    if process.exitcode:
        sys.exit(process.exitcode if process.exitcode > 0 else 128 - process.exitcode)


def _run_with(main: Callable[..., None], arguments: tuple[object, ...]) -> None:
    run(lambda: main(*arguments))


def check_writable(folder: Path) -> None:
    """Find out that `folder` cannot be made or written to before any work is done; nothing is made.

    Raises:
        InputError: it cannot.
    """
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise InputError(f"{folder}: cannot be written ({existing} is a file); choose another folder with --out")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(f"{folder}: cannot be written (no permission in {existing}); choose another folder with --out")


@contextmanager
def progress(label: str, total: int, done: int = 0, *, passing: bool = False) -> Iterator[Advance]:
    """Show how far a loop is on stderr: a bar with the time left on a terminal, a line every 10 s elsewhere.

    Of a `passing` one nothing remains to be seen: the bar goes, and there is no line for its end.
    """
    if not sys.stderr.isatty():
        yield _Lines(label, total, done, passing)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[note]}"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=passing) as bar:
        task = bar.add_task(label, total=total, completed=done, note="")
        yield lambda note: bar.update(task, advance=1, note=note)


class _Lines:
    """Progress as plain lines, for logs."""

    def __init__(self, label: str, total: int, done: int, passing: bool) -> None:
        self.label, self.total, self.done, self.before, self.passing = label, total, done, done, passing
        self.start = self.told = time.perf_counter()

    def __call__(self, note: str) -> None:
        self.done += 1
        now = time.perf_counter()
        is_due = self.done < self.total and now - self.told >= PLAIN_LINE_EVERY_S
        if not is_due and (self.done < self.total or self.passing):
            return
        self.told = now
        left_s = (now - self.start) / (self.done - self.before) * (self.total - self.done)
        words = [f"{self.label} {self.done}/{self.total}", note, f"{left_s:.0f} s left" if left_s else ""]
        print(", ".join(filter(None, words)), file=sys.stderr, flush=True)
