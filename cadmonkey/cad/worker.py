"""The process that judges and draws: one JSON request a line on stdin, one JSON answer a line on stdout."""

import base64
import io
import json
import os
import signal
import sys
from contextlib import suppress
from typing import Any

MEMORY_BYTES = 6 << 30
"""Address space of a worker; a program that asks for more fails alone."""


def main() -> None:
    """Say {"ready": true} once all is imported, then answer requests until stdin ends."""
    _limit_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    # What a library prints must not end up among the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    import cadmonkey.cad.judge
    import cadmonkey.cad.picture  # noqa: F401

    answers.write('{"ready": true}\n')
    answers.flush()
    for line in sys.stdin:
        answers.write(json.dumps(_answer(json.loads(line))) + "\n")
        answers.flush()


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"verdict": _verdict, "picture": _picture, "difference": _difference}[request["do"]](request)
    except MemoryError:
        return {"failed": "memory limit"}
    except RecursionError:
        return {"failed": "nested too deeply"}
    except Exception as error:  # a defect of ours that one program shows must not cost the others their verdict
        return {"failed": f"judge failed: {type(error).__name__}: {error}"}


def _verdict(request: dict[str, Any]) -> dict[str, Any]:
    from cadmonkey.cad.dimensions import check_kinds
    from cadmonkey.cad.judge import judge
    from cadmonkey.errors import CadmonkeyError

    stated = request.get("stated", [])
    try:
        check_kinds(stated)
    except CadmonkeyError as error:
        return {"bad_reference": str(error)}
    try:
        return {"verdict": judge(request["code"], request["reference"], stated).as_dict()}
    except CadmonkeyError as error:  # the judge's only other complaint is about the reference
        return {"bad_reference": f"expected a solid, got: {error}"}


def _picture(request: dict[str, Any]) -> dict[str, Any]:
    """Return a PNG as base64, or what is wrong with the program."""
    from cadmonkey.cad.openscad import parse_openscad
    from cadmonkey.cad.picture import render
    from cadmonkey.cad.solid import solid
    from cadmonkey.errors import CadmonkeyError

    try:
        part = solid(parse_openscad(request["code"]))
    except CadmonkeyError as error:
        return {"failed": str(error)}
    if part.is_empty():
        return {"failed": "empty"}
    return _png(render(part, tuple(request["size"])), request["colours"])


def _difference(request: dict[str, Any]) -> dict[str, Any]:
    """Return a PNG of how `code` differs from `reference`: too much in amber, missing in blue, the rest pale."""
    from cadmonkey.cad.judge import placed_on
    from cadmonkey.cad.openscad import parse_openscad
    from cadmonkey.cad.picture import render
    from cadmonkey.cad.solid import solid
    from cadmonkey.errors import CadmonkeyError

    try:
        made, wanted = (solid(parse_openscad(request[name])) for name in ("code", "reference"))
    except CadmonkeyError as error:
        return {"failed": str(error)}
    if made.is_empty():
        return {"failed": "empty"}
    made = placed_on(made, wanted)
    picture = render(made - wanted, tuple(request["size"]), second=wanted - made, rest=made ^ wanted)
    return _png(picture, request["colours"])


def _png(picture: Any, colours: int) -> dict[str, Any]:
    """Return the picture as base64, with so many colours where that is not 0."""
    from PIL import Image

    if colours:
        picture = picture.quantize(colours, dither=Image.Dither.NONE)
    data = io.BytesIO()
    picture.save(data, format="PNG", optimize=True)
    return {"png": base64.b64encode(data.getvalue()).decode("ascii")}


def _limit_memory() -> None:
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


if __name__ == "__main__":
    main()
