"""Pictures of solids: an isometric-like view, softly lit, with thin dark edges and a ground shadow."""

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from cadmonkey.cad.facets import pair_edges
from cadmonkey.cad.raster import Floats, Frame, Integers, planes, rasterise

if TYPE_CHECKING:
    import manifold3d

AZIMUTH_DEG, ELEVATION_DEG = -58.0, 33.0
SHARP_DEG = 25.0
"""Edges that bend more than this are drawn and shaded sharp; a 16-gon stays a smooth cylinder."""
SUPERSAMPLING = 2
MARGIN = 0.08
"""Empty border, as a share of the picture's smaller side."""

MATERIAL = ((58, 34, 8), (150, 88, 20), (226, 146, 42), (248, 190, 92), (255, 226, 166), (255, 250, 236))
"""From deep shade to highlight, evenly spaced over shades 0 to 1.25: a warm amber."""
SECOND_MATERIAL = ((8, 26, 52), (20, 70, 128), (52, 124, 200), (116, 172, 232), (182, 212, 246), (240, 247, 255))
REST_MATERIAL = ((70, 70, 72), (128, 128, 131), (178, 178, 181), (210, 210, 212), (232, 232, 234), (250, 250, 250))
REST = 2
"""The number of the rest's material."""
SHOW_THROUGH = 0.4
"""How strongly a difference shows through what hides it."""
BRIGHTEST = 1.25
LINE_COLOUR = (44, 30, 16)
BACKGROUND = (255, 255, 255)


def render(
    solid: "manifold3d.Manifold",
    size: tuple[int, int] = (640, 480),
    *,
    second: "manifold3d.Manifold | None" = None,
    rest: "manifold3d.Manifold | None" = None,
) -> Image.Image:
    """Draw a solid (z up, in mm) on white; `second` is drawn with it in blue, to show a difference.

    With `rest`, what the two have in common, in grey, they show faintly through it where it hides them.

    Args:
        solid: what to draw; an empty solid gives an empty picture.
        size: width and height in pixels.
        second: another solid in the same frame.
        rest: a third one.
    """
    solids = [(material, s) for material, s in enumerate((solid, second, rest)) if s is not None and not s.is_empty()]
    if not solids:
        return Image.new("RGB", size, BACKGROUND)
    scene = _scene(solids)
    view = _fit(scene, size)
    picture = _picture(scene, view, size)
    marked = [(material, s) for material, s in solids if material != REST]
    if rest is None or not marked:
        return picture
    return Image.blend(picture, _picture(_scene(marked), view, size), SHOW_THROUGH)


def _picture(scene: "_Scene", view: "_View", size: tuple[int, int]) -> Image.Image:
    big = (size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING)
    placed = view.place(scene.vertices)
    corners, depth = placed[scene.triangles, :2] * SUPERSAMPLING, placed[scene.triangles, 2]
    facing = np.flatnonzero(_front(corners))
    frame = rasterise(corners[facing], depth[facing], *big)
    picture = _ground(scene, view, size)
    light = _light_in_hollows(frame, view)
    surface = _paint(frame, corners[facing], scene.shade[facing], scene.material[facing], light)
    layer = Image.fromarray(surface, "RGBA").reduce(SUPERSAMPLING)
    picture.paste(layer, mask=layer.getchannel("A"))
    lines = _lines(scene, placed, _front(corners), frame, size, view.mm_per_pixel)
    picture.paste(Image.new("RGB", size, LINE_COLOUR), mask=lines)
    return picture


@dataclass(frozen=True)
class _Scene:
    """Welded triangles of all solids with what lighting and line drawing need."""

    vertices: Floats  # (vertices, 3)
    triangles: Integers  # (triangles, 3)
    shade: Floats  # (triangles, 3), one a corner
    material: Integers  # (triangles,)
    edges: Integers  # (edges, 2) vertices
    sides: Integers  # (edges, 2) triangles
    sharp: NDArray[np.bool_]  # (edges,)


@dataclass(frozen=True)
class _View:
    """An orthographic camera: pixels = (right·p, -up·p) / mm_per_pixel + origin; depth grows towards the eye, in mm."""

    axes: Floats
    mm_per_pixel: float
    origin: Floats

    def place(self, points: Floats) -> Floats:
        """Return `(n, 3)`: x and y in pixels (y down), depth in mm."""
        placed = points @ self.axes.T
        placed[:, 0] = placed[:, 0] / self.mm_per_pixel + self.origin[0]
        placed[:, 1] = -placed[:, 1] / self.mm_per_pixel + self.origin[1]
        return placed


def _scene(solids: "list[tuple[int, manifold3d.Manifold]]") -> _Scene:
    """Return the scene of (material, solid) pairs."""
    vertices, triangles, shade, material, start = [], [], [], [], 0
    for number, solid in solids:
        mesh = solid.calculate_normals(0, SHARP_DEG).to_mesh()
        properties, corners = np.asarray(mesh.vert_properties, np.float64), np.asarray(mesh.tri_verts, np.int64)
        weld = np.arange(len(properties))
        weld[np.asarray(mesh.merge_from_vert, np.int64)] = np.asarray(mesh.merge_to_vert, np.int64)
        vertices.append(properties[:, :3])
        triangles.append(weld[corners] + start)
        shade.append(_light(properties[:, 3:6])[corners])
        material.append(np.full(len(corners), number))
        start += len(properties)
    points, faces = np.concatenate(vertices), np.concatenate(triangles)
    edges, sides = pair_edges(faces, len(points))
    normals = np.cross(points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)
    bend = np.einsum("ij,ij->i", normals[sides[:, 0]], normals[sides[:, 1]])
    sharp = bend < np.cos(np.radians(SHARP_DEG))
    return _Scene(points, faces, np.concatenate(shade), np.concatenate(material), edges, sides, sharp)


def _axes() -> Floats:
    """Return the camera's right, up and towards-the-eye directions as rows."""
    azimuth, elevation = np.radians(AZIMUTH_DEG), np.radians(ELEVATION_DEG)
    right = [-np.sin(azimuth), np.cos(azimuth), 0.0]
    eye = [np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)]
    return np.array([right, np.cross(eye, right), eye])


def _unit(x: float, y: float, z: float) -> Floats:
    return np.array([x, y, z]) / math.sqrt(x * x + y * y + z * z)


KEY_LIGHT = _unit(-0.42, -0.62, 1.0)
SUN = _unit(-0.36, -0.42, 1.0)
"""Where the shadow falls from: steeper than the key light, so that shadows stay short."""
FILL_LIGHT = _unit(1.0, 0.1, 0.35)


def _light(normals: Floats) -> Floats:
    """Return a shade from 0 (dark) to BRIGHTEST for unit normals: wrapped diffuse key, fill, and a soft highlight."""
    key = 0.5 + 0.5 * normals @ KEY_LIGHT
    fill = np.maximum(normals @ FILL_LIGHT, 0)
    halfway = KEY_LIGHT + _axes()[2]
    gloss = np.maximum(normals @ (halfway / np.linalg.norm(halfway)), 0) ** 60
    return np.asarray(0.08 + 0.66 * key**1.5 + 0.12 * fill + 0.26 * gloss)


def _fit(scene: _Scene, size: tuple[int, int]) -> _View:
    """Return the view that centres the solid with its shadow and leaves MARGIN around them."""
    axes = _axes()
    low, high = _extent(scene.vertices @ axes[:2].T, (_fallen(scene.vertices) @ axes[:2].T))
    room = np.array(size) - 2 * MARGIN * min(size)
    mm_per_pixel = max(float(((high - low) / room).max()), 1e-12)
    middle = (low + high) / 2 / mm_per_pixel
    return _View(axes, mm_per_pixel, np.array([size[0] / 2 - middle[0], size[1] / 2 + middle[1]]))


def _extent(solid: Floats, shadow: Floats) -> tuple[Floats, Floats]:
    """Return the solid's box in the picture, grown towards its shadow, whose soft rim may reach into the margin."""
    low, high = solid.min(axis=0), solid.max(axis=0)
    low_too, high_too = np.minimum(low, shadow.min(axis=0)), np.maximum(high, shadow.max(axis=0))
    return low + 0.7 * (low_too - low), high + 0.7 * (high_too - high)


def _front(corners: Floats) -> NDArray[np.bool_]:
    """Return which triangles face the eye (counter-clockwise outside; y points down in pixels)."""
    (x1, y1), (x2, y2) = (corners[:, 1] - corners[:, 0]).T, (corners[:, 2] - corners[:, 0]).T
    return np.asarray(x1 * y2 - x2 * y1 < 0)


@cache
def _ramps() -> NDArray[np.uint8]:
    """Return `(materials * 256, 4)` RGBA by shade."""
    shades = np.linspace(0, 1, 256)
    ramps = []
    for colours in (MATERIAL, SECOND_MATERIAL, REST_MATERIAL):
        stops = np.linspace(0, 1, len(colours))
        channels = [np.interp(shades, stops, [colour[i] for colour in colours]) for i in range(3)]
        ramps.append(np.stack([*channels, np.full(256, 255.0)], axis=1))
    return np.concatenate(ramps).round().astype(np.uint8)


def _paint(frame: Frame, corners: Floats, shade: Floats, material: Integers, light: Floats) -> NDArray[np.uint8]:
    """Return `(height, width, 4)` RGBA: shades run linearly over each triangle (Gouraud) and are dimmed by `light`."""
    surface = np.zeros((*frame.depth.shape, 4), np.uint8)
    y, x = np.nonzero(frame.covered)
    triangle = frame.triangle[y, x]
    a, b, c = planes(corners, shade).T
    value = a[triangle] * (x + 0.5) + b[triangle] * (y + 0.5) + c[triangle]
    value = np.clip(value, shade.min(axis=1)[triangle], shade.max(axis=1)[triangle])
    level = np.clip(value * light[y, x] * (255 / BRIGHTEST), 0, 255).astype(np.int64)
    surface[y, x] = _ramps()[level + 256 * material[triangle]]
    return surface


def _light_in_hollows(frame: Frame, view: _View) -> Floats:
    """Return 1 in the open and less for pixels behind their surroundings (depth minus its own blur: Luft 2006)."""
    step = 2 * SUPERSAMPLING
    height, width = frame.depth.shape
    depth = frame.depth[::step, ::step]
    covered = np.isfinite(depth)
    radius = max(depth.shape[0] // 24, 1)
    weight = _blur(covered.astype(np.float64), radius)
    blurred = _blur(np.where(covered, depth, 0.0), radius) / np.maximum(weight, 1e-9)
    behind = np.where(covered, blurred - depth, 0.0) / (view.mm_per_pixel * min(width, height) / SUPERSAMPLING)
    light = 1 - 0.32 * np.clip(behind * 8, 0, 1)
    small = Image.fromarray(light.astype(np.float32))
    return np.asarray(small.resize((width, height), Image.Resampling.BILINEAR), np.float64)


def _blur(values: Floats, radius: int) -> Floats:
    """Return three box blurs in a row, which is nearly a Gaussian."""
    for _ in range(3):
        for axis in (0, 1):
            padded = np.insert(np.cumsum(values, axis=axis), 0, 0, axis=axis)
            n = values.shape[axis]
            high, low = np.minimum(np.arange(n) + radius + 1, n), np.maximum(np.arange(n) - radius, 0)
            window = np.take(padded, high, axis=axis) - np.take(padded, low, axis=axis)
            values = window / np.expand_dims(high - low, 1 - axis)
    return values


def _fallen(vertices: Floats) -> Floats:
    """Return where the shadow of each point falls on the plane that the solid stands on."""
    height = vertices[:, 2:] - vertices[:, 2].min()
    return np.asarray(vertices - SUN * (height / SUN[2]))


def _fade(size: tuple[int, int]) -> Floats:
    """Return `(height, width)` factors: 1 inside, 0 at the border, so that no shadow is cut off there."""
    x, y = (np.minimum(np.arange(n), np.arange(n)[::-1]) / (MARGIN * min(size)) for n in size)
    near = np.clip(np.minimum(x[None, :], y[:, None]), 0, 1)
    return np.asarray(near * near * (3 - 2 * near))


def _ground(scene: _Scene, view: _View, size: tuple[int, int]) -> Image.Image:
    """Return the background with a soft shadow of the solid on the plane it stands on."""
    shrink = 4
    corners = view.place(_fallen(scene.vertices))[scene.triangles, :2] / shrink
    small = (-(-size[0] // shrink), -(-size[1] // shrink))
    mask = rasterise(corners, np.zeros(corners.shape[:2]), *small).covered
    shadow = Image.fromarray(mask.astype(np.uint8) * 255, "L")
    picture = Image.new("RGB", size, BACKGROUND)
    for blur, strength in ((size[1] / 160, 0.13), (size[1] / 40, 0.17)):
        soft = shadow.filter(ImageFilter.GaussianBlur(blur * 4 / shrink))
        soft = soft.resize(size, Image.Resampling.BICUBIC)
        alpha = np.asarray(soft, np.float64) * _fade(size) * strength
        picture.paste(Image.new("RGB", size, (60, 62, 80)), mask=Image.fromarray(alpha.round().astype(np.uint8)))
    return picture


def _lines(
    scene: _Scene, placed: Floats, front: NDArray[np.bool_], frame: Frame, size: tuple[int, int], mm_per_pixel: float
) -> Image.Image:
    """Return the opacity of all visible feature edges and silhouettes, anti-aliased by distance to the line."""
    one, other = front[scene.sides].T
    outline = one != other
    drawn = (scene.sharp & (one | other)) | outline
    ends = placed[scene.edges[drawn]]
    scale = size[1] / 480
    half_width = np.where(outline[drawn], 0.62, 0.42) * max(scale, 0.7)
    opacity = np.where(outline[drawn], 0.95, 0.78)
    return _draw(*_visible(ends, frame, mm_per_pixel), half_width, opacity, ends, size)


def _visible(ends: Floats, frame: Frame, mm_per_pixel: float) -> tuple[Integers, Floats]:
    """Return (edge, position in pixels and depth) of points half a pixel apart along the edges that can be seen."""
    length = np.linalg.norm(ends[:, 1, :2] - ends[:, 0, :2], axis=1)
    counts = np.maximum(np.ceil(length * 2), 1).astype(np.int64)
    edge = np.repeat(np.arange(len(ends)), counts)
    index = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts)
    share = ((index + 0.5) / counts[edge])[:, None]
    points = ends[edge, 0] * (1 - share) + ends[edge, 1] * share
    height, width = frame.depth.shape
    x = np.floor(points[:, 0] * SUPERSAMPLING).astype(np.int64)
    y = np.floor(points[:, 1] * SUPERSAMPLING).astype(np.int64)
    # The pixel under an edge may belong to a steep face beside it, so the farthest of the 3 x 3 pixels decides.
    farthest = np.full(len(points), np.inf)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            behind = frame.depth[np.clip(y + dy, 0, height - 1), np.clip(x + dx, 0, width - 1)]
            np.minimum(farthest, behind, out=farthest)
    seen = points[:, 2] + 1.5 * mm_per_pixel >= farthest
    return edge[seen], points[seen]


def _draw(
    edge: Integers, points: Floats, half_width: Floats, opacity: Floats, ends: Floats, size: tuple[int, int]
) -> Image.Image:
    width, height = size
    direction = ends[edge, 1, :2] - ends[edge, 0, :2]
    direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9)
    base_x, base_y = np.floor(points[:, 0]).astype(np.int64), np.floor(points[:, 1]).astype(np.int64)
    alpha = np.zeros(width * height)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            x, y = base_x + dx, base_y + dy
            off_x, off_y = x + 0.5 - points[:, 0], y + 0.5 - points[:, 1]
            across = np.abs(off_x * direction[:, 1] - off_y * direction[:, 0])
            along = np.abs(off_x * direction[:, 0] + off_y * direction[:, 1])
            cover = np.clip(half_width[edge] + 0.5 - across, 0, 1) * np.clip(1.25 - along, 0, 1) * opacity[edge]
            inside = (cover > 0) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
            np.maximum.at(alpha, (y * width + x)[inside], cover[inside])
    return Image.fromarray((alpha.reshape(height, width) * 255).astype(np.uint8), "L")
