"""From one notation to the other, by way of the tree: the same part, exactly."""

from cadmonkey.cad.grammar import Language
from cadmonkey.cad.ir import parse_ir, print_ir
from cadmonkey.cad.openscad import parse_openscad, print_openscad
from cadmonkey.cad.program import LanguageError, NotationError


def translate(code: str, language: Language, wanted: Language) -> tuple[str, Language]:
    """Return `code` in the language wanted, and that language; or as it is, where it cannot be said in the other."""
    if wanted == language:
        return code, language
    try:
        text = print_ir(parse_openscad(code)) if wanted == "ir" else print_openscad(parse_ir(code))
        _ = parse_ir(text) if wanted == "ir" else parse_openscad(text)
    except (LanguageError, NotationError):
        return code, language
    return text, wanted
