"""What of a drawn path could be a line of a table's grid."""

# pypdfium2's raw layer is generated from C headers and has no annotations.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

import ctypes
from collections.abc import Callable, Iterator

import pypdfium2
from pypdfium2 import raw

from app.parsing.pdf.content import Edge

Point = tuple[float, float]


def straight_edges(path: pypdfium2.PdfObject, place: Callable[[float, float], Point]) -> Iterator[Edge]:
    """The axis-parallel segments of a path, placed on the page."""
    start = last = (0.0, 0.0)
    x, y = ctypes.c_float(), ctypes.c_float()
    for index in range(raw.FPDFPath_CountSegments(path)):
        segment = raw.FPDFPath_GetPathSegment(path, index)
        if not raw.FPDFPathSegment_GetPoint(segment, x, y):
            continue
        point = place(x.value, y.value)
        kind = raw.FPDFPathSegment_GetType(segment)
        if kind == raw.FPDF_SEGMENT_MOVETO:
            start = point
        elif kind == raw.FPDF_SEGMENT_LINETO:
            yield from _edge(last, point)
        if raw.FPDFPathSegment_GetClose(segment):
            yield from _edge(point, start)
        last = point


def _edge(one: Point, other: Point) -> Iterator[Edge]:
    left, right = sorted((one[0], other[0]))
    bottom, top = sorted((one[1], other[1]))
    if (right - left > 1) != (top - bottom > 1):
        yield Edge(left, bottom, right, top)
