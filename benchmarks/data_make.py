"""How fast data is made, each row judged: rows per second of wall-clock time, and per second of CPU time.

    python benchmarks/data_make.py                        # records itself in benchmarks/results/data_make.json
    python benchmarks/data_make.py --rows 4000 --workers 1 2 4 8

The command itself runs, start and Parquet files included. CPU time is that of all its processes; on a machine that does
other work besides, rows per CPU second is the figure to compare. Where its time goes is measured row by row.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.record import RESULTS, circumstances, write_record

SEED = 1
PROFILED_ROWS = 500


def main() -> None:
    """Measure every mix with every number of workers, and record it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--mixes", nargs="+", default=["plain", "full"])
    parser.add_argument("--out", type=Path, default=RESULTS / "data_make.json")
    options = parser.parse_args()
    record = circumstances() | {"rows": options.rows, "seed": SEED, "runs": [], "ms_per_row": {}}
    for mix in options.mixes:
        for workers in options.workers:
            record["runs"].append({"mix": mix, "workers": workers, **timed(options.rows, mix, workers)})
            print(record["runs"][-1], flush=True)
        record["ms_per_row"][mix] = profile(mix)
        print(mix, record["ms_per_row"][mix], flush=True)
    write_record(options.out, record)


def timed(rows: int, mix: str, workers: int) -> dict[str, float]:
    """Run the command once."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--rows", str(rows), "--seed", str(SEED), "--mix", mix, "--workers", str(workers)]
        command = [sys.executable, "-m", "cadmonkey.cli", "data", "make", *arguments, "--out", f"{folder}/data"]
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        wall_s, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "wall_s": round(wall_s, 2),
        "cpu_s": round(cpu_s, 2),
        "rows_per_wall_s": round(rows / wall_s, 1),
        "rows_per_cpu_s": round(rows / cpu_s, 1),
    }


def profile(mix: str) -> dict[str, Any]:
    """CPU milliseconds a row takes to draw, print, read back and measure."""
    from cadmonkey.cad.dimensions import check_dimensions
    from cadmonkey.cad.ir import parse_ir
    from cadmonkey.cad.measure import measure
    from cadmonkey.cad.openscad import parse_openscad
    from cadmonkey.data.rows import draw_part, row_of
    from cadmonkey.parts import MIXES

    spent: Counter[str] = Counter()
    for index in range(PROFILED_ROWS):
        marks = [time.process_time()]
        part = draw_part(index, SEED, mix=MIXES[mix])
        marks.append(time.process_time())
        row = row_of(part, index, SEED)
        marks.append(time.process_time())
        parse_openscad(row["completion"])
        parse_ir(row["completion_ir"])
        marks.append(time.process_time())
        check_dimensions(row["stated"], measure(part.solid))
        marks.append(time.process_time())
        for name, start, end in zip(("draw", "print", "parse", "measure"), marks, marks[1:], strict=False):
            spent[name] += end - start
    return {name: round(1000 * seconds / PROFILED_ROWS, 3) for name, seconds in spent.items()}


if __name__ == "__main__":
    main()
