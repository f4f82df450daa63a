"""The same rows, made by a Ray cluster: a Ray Data job whose results come back in order."""

import json
import logging
import os
import re
import socket
from collections.abc import Iterator
from functools import partial
from typing import Any

from cadmonkey.data.chunks import Chunk, Settings, as_json, generator_hash, make_chunk
from cadmonkey.data.make import Spans
from cadmonkey.errors import InputError, RunError

EXTRA = "pip install 'cadmonkey[ray]'"
ANSWER_S = 5.0
"""How long the head of a cluster may take to answer at all; Ray itself tries for minutes."""
STORE_BYTES = 256 << 20
"""Memory for objects in a cluster of our own; a chunk is some 300 kB."""


def chunks_on_ray(settings: Settings, spans: Spans, *, address: str, workers: int) -> Iterator[Chunk]:
    """Yield the chunk of every span, in order, made on the cluster at `address` ("local": one started here).

    The nodes need this version of CadMonkey; files are written here alone, so they share no folder.

    Args:
        settings: what to make.
        spans: the rows of each chunk.
        address: of the cluster's head, such as "10.0.0.1:6379" or "auto".
        workers: the CPUs of a local cluster.

    Raises:
        InputError: Ray is not installed, there is no such cluster, or its nodes have another version of CadMonkey.
        RunError: the cluster was lost.
    """
    ray = _connect(address, workers)
    make = partial(_chunk_of, settings, generator_hash())
    items = [{"start": start, "stop": stop} for start, stop in spans]
    try:
        if items:
            made = ray.data.from_items(items, override_num_blocks=len(items)).map(make)
            for item in made.iter_rows():
                yield _chunk(json.loads(item["chunk"]))
    except ray.exceptions.RayError as error:
        reason = str(error).strip().splitlines()[-1][:300]
        raise RunError(f"Ray: {reason}; run the same command again, it resumes") from error
    finally:
        ray.shutdown()


def _connect(address: str, workers: int) -> Any:
    # Ray asks for these when it is imported and when it starts.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise InputError(f"--ray: expected the package ray, which is not installed; {EXTRA}") from error
    _check_answers(address)
    options: dict[str, Any] = {"num_cpus": workers, "object_store_memory": STORE_BYTES} if address == "local" else {}
    try:
        ray.init(address, logging_level="ERROR", log_to_driver=False, include_dashboard=False, **options)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise _no_cluster(address, str(error).strip().splitlines()[0][:200]) from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    return ray


def _check_answers(address: str) -> None:
    host_and_port = re.fullmatch(r"(?:ray://)?(.+):(\d+)", address)
    if host_and_port is None:
        return
    try:
        socket.create_connection((host_and_port[1], int(host_and_port[2])), timeout=ANSWER_S).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(address, str(error)) from error


def _no_cluster(address: str, reason: str) -> InputError:
    return InputError(
        f"--ray {address}: expected the address of a running Ray cluster, got: {reason}; "
        "start one with `ray start --head`, or use --ray local"
    )


def _chunk_of(settings: Settings, generator: str, item: dict[str, int]) -> dict[str, Any]:
    """Make a chunk on a node."""
    if generator_hash() != generator:
        raise RunError("a node of the cluster has another version of CadMonkey; install this one on every node")
    return {"chunk": json.dumps(as_json(make_chunk(settings, (item["start"], item["stop"]))))}


def _chunk(content: dict[str, Any]) -> Chunk:
    return Chunk(content["start"], content["rows"], content["refused"])
