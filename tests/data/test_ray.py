"""Rows made by a Ray cluster of two nodes are those made here, byte for byte."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from cadmonkey.data.chunks import Settings, chunks_on_cores
from cadmonkey.data.make import make_folder
from cadmonkey.data.ray_job import chunks_on_ray
from cadmonkey.errors import InputError

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
pytest.importorskip("pyarrow")
pytest.importorskip("ray", reason="needs ray: pip install 'cadmonkey[ray]'")

SETTINGS = Settings(rows=60, seed=3, mix="plain")


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[str]:
    from ray.cluster_utils import Cluster

    store = {"num_cpus": 1, "object_store_memory": 100 << 20}
    cluster = Cluster(initialize_head=True, head_node_args={**store, "include_dashboard": False})
    cluster.add_node(**store)
    yield cluster.address
    cluster.shutdown()


def test_two_nodes_write_the_same_bytes_as_one_process(two_nodes: str, tmp_path: Path) -> None:
    make_folder(tmp_path / "ray", SETTINGS, partial(chunks_on_ray, address=two_nodes, workers=2), shard_rows=15)
    make_folder(tmp_path / "here", SETTINGS, partial(chunks_on_cores, workers=1), shard_rows=15)
    here = {path.name: path.read_bytes() for path in (tmp_path / "here").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "ray").iterdir()} == here
    assert len(here) == 6


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere"])
def test_a_cluster_that_is_not_there_is_one_clear_error(address: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"--ray {address}: expected the address of a running Ray cluster"):
        make_folder(tmp_path, SETTINGS, partial(chunks_on_ray, address=address, workers=1))
