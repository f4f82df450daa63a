"""The contact sheet: a grid of generated parts, each with its sentence and its verdict."""

import base64
import io
import unicodedata
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from cadmonkey.cad.workers import work
from cadmonkey.files import atomic_path

Row = dict[str, Any]

PARTS = 24
COLUMNS = 4
PICTURE = (432, 324)
CARD, GAP, PADDING = (472, 474), 20, 20
TEXT_SIZE, LINE_HEIGHT, TEXT_LINES = 19, 25, 3

PAPER, CARD_COLOUR, BORDER = (244, 243, 240), (255, 255, 255), (228, 226, 220)
EXTRA_LETTERS = "°±·‘’“”…"  # noqa: RUF001
"""What Pillow's own typeface has besides ASCII."""
INK, QUIET, GOOD, BAD = (38, 36, 32), (120, 116, 108), (34, 130, 76), (196, 52, 40)


def write_sheet(path: Path, parts: list[Row], *, processes: int | None = None) -> None:
    """Draw up to 24 judged parts, the families in turn, as a PNG."""
    chosen = in_turn(parts)[:PARTS]
    requests = [{"do": "picture", "code": part["code"], "size": PICTURE, "colours": 0} for part in chosen]
    answers = work(requests, processes=processes)
    columns = min(COLUMNS, len(chosen))
    rows = -(-len(chosen) // columns)
    size = (columns * (CARD[0] + GAP) + GAP, rows * (CARD[1] + GAP) + GAP)
    sheet = Image.new("RGB", size, PAPER)
    for index, (part, answer) in enumerate(zip(chosen, answers, strict=True)):
        corner = (GAP + index % columns * (CARD[0] + GAP), GAP + index // columns * (CARD[1] + GAP))
        _card(sheet, corner, part, answer.get("png"))
    with atomic_path(path) as temporary:
        sheet.save(temporary, format="PNG", optimize=True)


def in_turn(parts: list[Row]) -> list[Row]:
    """Return the parts one of each family, then the next of each, so that the first ones show all families."""
    seen: dict[str, int] = {}
    ranks = []
    for part in parts:
        ranks.append(seen.setdefault(part["family"], 0))
        seen[part["family"]] += 1
    order = sorted(range(len(parts)), key=lambda index: (ranks[index], index))
    return [parts[index] for index in order]


def verdict_words(part: Row) -> str:
    """Return "all-pass" or why not."""
    return "all-pass" if part["verdict"]["all_pass"] else part["verdict"]["reason"] or "fails"


def _card(sheet: Image.Image, corner: tuple[int, int], part: Row, png: str | None) -> None:
    x, y = corner
    draw = ImageDraw.Draw(sheet)
    draw.rounded_rectangle((x, y, x + CARD[0], y + CARD[1]), radius=14, fill=CARD_COLOUR, outline=BORDER, width=1)
    if png is None:
        draw.text((x + CARD[0] // 2, y + 170), "no solid", font=_font(22), fill=QUIET, anchor="mm")
    else:
        sheet.paste(Image.open(io.BytesIO(base64.b64decode(png))), (x + (CARD[0] - PICTURE[0]) // 2, y + 12))
    top = y + 12 + PICTURE[1] + 8
    for number, line in enumerate(_wrap(part["prompt"], TEXT_LINES, _font(TEXT_SIZE), CARD[0] - 2 * PADDING)):
        draw.text((x + PADDING, top + number * LINE_HEIGHT), line, font=_font(TEXT_SIZE), fill=INK)
    _verdict(draw, (x + PADDING, y + CARD[1] - 34), part)


def _verdict(draw: ImageDraw.ImageDraw, corner: tuple[int, int], part: Row) -> None:
    x, y = corner
    good = part["verdict"]["all_pass"]
    draw.ellipse((x, y + 6, x + 12, y + 18), fill=GOOD if good else BAD)
    words = _wrap(verdict_words(part), 1, _font(17), CARD[0] - 2 * PADDING - 22)[0]
    draw.text((x + 22, y), words, font=_font(17), fill=GOOD if good else BAD)


def _wrap(text: str, lines: int, font: ImageFont.FreeTypeFont, room: int) -> list[str]:
    """Return `text` in at most `lines` lines of `room` pixels; what does not fit ends in an ellipsis."""
    wrapped = [""]
    for word in _drawable(text).split():
        longer = f"{wrapped[-1]} {word}".strip()
        if font.getlength(longer) <= room or not wrapped[-1]:
            wrapped[-1] = longer
        else:
            wrapped.append(word)
    kept = wrapped[:lines]
    if len(wrapped) > lines:
        kept[-1] += " …"
    for index, line in enumerate(kept):
        while font.getlength(kept[index]) > room:
            line = line.removesuffix(" …")[:-1]
            kept[index] = line + " …"
    return kept


def _drawable(text: str) -> str:
    """Return `text` in letters that Pillow's typeface has: "mm³" as "mm3", "é" as "e", others as "?"."""
    text = text.translate({ord("×"): "x", ord("Ø"): "dia. ", ord("ø"): "dia. ", ord("⌀"): "dia. "})
    letters = [c if c in EXTRA_LETTERS else unicodedata.normalize("NFKD", c) for c in text]
    plain = (c for c in "".join(letters) if not unicodedata.combining(c))
    return "".join(c if c < "\x7f" or c in EXTRA_LETTERS else "?" for c in plain)


def _font(size: int) -> ImageFont.FreeTypeFont:
    """Return Pillow's own typeface, so that the sheet looks the same on every machine."""
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
