"""One thread for the solids of a process; where there is work for more, more processes do it."""

import os

from manifold3d import Manifold


def keep_to_one_thread() -> None:
    """Let manifold3d work in the calling thread alone, if it has not begun to work yet.

    It shares even small work among all cores through oneTBB. Making rows of data took the same time on one core as on
    two, and a third less CPU time (2,000 rows: 6.7 instead of 9.8 s). oneTBB has neither a setting nor a variable for
    this: it counts the cores that the process may use when it is first called, and never again. Where the system cannot
    confine a process to a core (macOS, Windows), nothing is changed.
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        Manifold.cube((1.0, 1.0, 1.0))
    finally:
        os.sched_setaffinity(0, cores)
