"""What training took: resources.json."""

import sys
from pathlib import Path
from typing import Any

from cadmonkey.files import write_json


def write_resources(path: Path, seconds: float, *, resumed: bool) -> None:
    """Write the seconds of training and the most memory that this process has held, loading the model included.

    On a GPU the memory is what PyTorch's tensors took, else the process's resident set. `resumed` says that the seconds
    are those of the last start only.
    """
    write_json(path, {"seconds": round(seconds, 3), "resumed": resumed, **_peak_memory()})


def _peak_memory() -> dict[str, Any]:
    import torch

    if torch.cuda.is_available():
        return {"device": torch.cuda.get_device_name(), "peak_memory_bytes": torch.cuda.max_memory_allocated()}
    try:
        import resource
    except ImportError:  # Windows has no such figure
        return {"device": "cpu", "peak_memory_bytes": None}
    unit_bytes = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"device": "cpu", "peak_memory_bytes": peak * unit_bytes}
