"""What a screen reader is told of the PDF: headings, paragraphs, tables by row and column, pictures in words.

ReportLab draws pages and knows nothing of this. So each piece says what it is while it is drawn, and the
structure tree is written at the end (ISO 32000-1, 14.7 and 14.8).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from reportlab.graphics.shapes import Drawing
from reportlab.pdfbase.pdfdoc import (
    PDFArray,
    PDFDictionary,
    PDFName,
    PDFObjectReference,
    PDFString,
)
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Image, Paragraph

#: From the document to a piece: kinds of elements of the standard (H1, P, Table, TR, …), each with what tells
#: it from its neighbours. Pieces with the same way belong together, as halves of a paragraph on two pages.
Way = tuple[tuple[str, object], ...]

_numbers = itertools.count()


def alone(kind: str) -> Way:
    """The way to a piece that stands for itself."""
    return ((kind, next(_numbers)),)


class _Piece(Flowable):
    """Marks what is drawn by it with what it is."""

    _way: Way = ()
    _words = ""

    def is_a(self, way: Way, words: str) -> Any:
        """Itself, once it knows its way and what is read out: of its lines no space would be left between."""
        self._way, self._words = way, words
        return self

    def draw(self) -> None:
        with self.canv.marked(self._way, self._words):
            super().draw()

    def split(self, width: float, height: float) -> list[Any]:
        return [part.is_a(self._way, self._words) for part in super().split(width, height)]


class Text(_Piece, Paragraph):
    """A paragraph, heading or cell."""


class Picture(_Piece, Image):
    """A picture."""


class Curve(_Piece, Drawing):
    """A drawing."""


@dataclass
class _Element:
    kind: str
    words: str = ""
    kids: list[_Element | tuple[PDFObjectReference, int]] = field(default_factory=list)


class TaggedCanvas(Canvas):
    """Writes what was drawn inside `marked` into the structure tree; all else is decoration."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._known: dict[Way, _Element] = {(): _Element("Document")}
        self._of_page: list[_Element] = []
        self._of_pages: list[list[_Element]] = []
        self.setViewerPreference("DisplayDocTitle", "true")

    @contextmanager
    def marked(self, way: Way, words: str) -> Iterator[None]:
        """What is drawn in the block is a piece of the document; the head of a table only once."""
        if not way or (way[-1][0] == "TH" and way in self._known):
            yield
            return
        element = self._element(way)
        element.words = words
        number = len(self._of_page)
        self._of_page.append(element)
        element.kids.append((self._doc.thisPageRef(), number))
        self._code.append(f"EMC /{element.kind} <</MCID {number}>> BDC")
        yield
        self._code.append("EMC /Artifact BMC")

    def _element(self, way: Way) -> _Element:
        if way not in self._known:
            made = self._known[way] = _Element(way[-1][0])
            self._element(way[:-1]).kids.append(made)
        return self._known[way]

    def showPage(self) -> None:  # noqa: N802
        self._code.insert(0, "/Artifact BMC")
        self._code.append("EMC")
        super().showPage()
        page = self._doc.Pages.pages[-1]
        page.__NoDefault__ = [*page.__NoDefault__, "StructParents", "Tabs"]  # ReportLab's list lacks them
        page.StructParents, page.Tabs = len(self._of_pages), PDFName("S")
        self._of_pages.append(self._of_page)
        self._of_page = []

    def save(self) -> None:
        if self._code:
            self.showPage()
        self._write_tree()
        super().save()

    def _write_tree(self) -> None:
        document = self._doc
        tree = PDFDictionary({"Type": PDFName("StructTreeRoot")})
        places: dict[int, PDFObjectReference] = {}

        def written(element: _Element, parent: PDFObjectReference) -> PDFObjectReference:
            told = PDFDictionary({"Type": PDFName("StructElem"), "S": PDFName(element.kind), "P": parent})
            place = places[id(element)] = document.Reference(told)
            if element.words:
                told["Alt" if element.kind == "Figure" else "ActualText"] = PDFString(element.words)
            if element.kind == "TH":
                told["A"] = PDFDictionary({"O": PDFName("Table"), "Scope": PDFName("Column")})
            told["K"] = PDFArray(
                [
                    written(kid, place)
                    if isinstance(kid, _Element)
                    else PDFDictionary({"Type": PDFName("MCR"), "Pg": kid[0], "MCID": kid[1]})
                    for kid in element.kids
                ]
            )
            return place

        tree["K"] = written(self._known[()], document.Reference(tree))
        numbered: list[Any] = []
        for number, elements in enumerate(self._of_pages):
            numbered += [number, PDFArray([places[id(element)] for element in elements])]
        tree["ParentTree"] = document.Reference(PDFDictionary({"Nums": PDFArray(numbered)}))
        document.Catalog.StructTreeRoot = tree
        document.Catalog.MarkInfo = PDFDictionary({"Marked": "true"})
