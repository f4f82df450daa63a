"""How fast the judge is, and what it says of right parts that are written with another $fn.

    python benchmarks/judge.py --rows 150

Times are CPU seconds of one process, by the rows of `cadmonkey data make`.
"""

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))  # behind PYTHONPATH, which may name another checkout to compare with
FINENESS = (96, 32, 64, 80, 128)


def main() -> None:
    """Print one line of JSON for every fineness."""
    from cadmonkey.cad.judge import judge
    from cadmonkey.data.rows import make_rows

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=150)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    rows = list(make_rows(options.rows, options.seed))
    for fn in FINENESS:
        times, failed = [], Counter()
        for row in rows:
            started = time.process_time()
            code = row["completion"].replace("$fn = 96", f"$fn = {fn}")
            passed = judge(code, row["completion"], row["stated"]).all_pass
            times.append(time.process_time() - started)
            failed[row["family"]] += not passed
        print(json.dumps({"fn": fn, "failed": sum(failed.values()), "families": +failed} | _spread(times)), flush=True)


def _spread(times: list[float]) -> dict[str, float]:
    return {
        "rows_per_s": round(len(times) / sum(times), 1),
        "median_ms": round(1000 * statistics.median(times), 1),
        "p95_ms": round(1000 * sorted(times)[int(0.95 * len(times))], 1),
        "max_ms": round(1000 * max(times), 1),
    }


if __name__ == "__main__":
    main()
