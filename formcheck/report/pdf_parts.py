"""Type, tables and colours of the PDF report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape, unescape

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Table

from formcheck.report.pdf_tags import Text, Way, alone

FONT, _BOLD, _ITALIC = "FormcheckText", "FormcheckBold", "FormcheckItalic"
_INK, SOFT, _LINE, _PALE = (HexColor(c) for c in ("#1f2937", "#4b5563", "#c9ced6", "#f3f4f6"))
MARGIN = 18 * mm
WIDTH = A4[0] - 2 * MARGIN - 12  # the frame keeps 6 points free on either side


def _style(name: str, size: float, font: str = FONT, **more: Any) -> ParagraphStyle:
    given = {"textColor": _INK, "leading": 1.36 * size, "spaceAfter": 2.0} | more
    return ParagraphStyle(name, fontName=font, fontSize=size, **given)


STYLES = {
    "body": _style("body", 9),
    "small": _style("small", 8),
    "soft": _style("soft", 7.5, textColor=SOFT, spaceAfter=4),
    "strong": _style("strong", 8.5, _BOLD),
    "notice": _style(
        "notice", 7, textColor=SOFT, borderColor=_LINE, borderWidth=0.5, borderPadding=4, spaceAfter=12
    ),
    "title": _style("title", 17, _BOLD, spaceAfter=6),
    "verdict": _style("verdict", 10.5),
    "h2": _style("h2", 12, _BOLD, spaceBefore=11, spaceAfter=4, keepWithNext=1),
    "h3": _style("h3", 9, _BOLD, spaceBefore=5, spaceAfter=2, keepWithNext=1),
    "cell": _style("cell", 7.5, spaceAfter=0),
    "head": _style("head", 7.5, _BOLD, spaceAfter=0),
}


#: What a style's text is to a screen reader, where it is more than a paragraph.
_KINDS = {"title": "H1", "h2": "H2", "h3": "H3"}


def para(text: str, style: str = "body", way: Way | None = None) -> Text:
    """Plain text as a paragraph; whatever it holds is shown, never understood as markup."""
    return rich(escape(text).replace("\n", "<br/>"), style, way)


def rich(markup: str, style: str, way: Way | None = None) -> Text:
    """A paragraph with markup, in which strange text was escaped."""
    words = unescape(re.sub("<[^>]*>", " ", markup))
    return Text(markup, STYLES[style]).is_a(way or alone(_KINDS.get(style, "P")), words)


def grid(heads: list[str], rows: list[list[str]], shares: list[float]) -> Table:
    """A ruled table; its head is repeated on each page.

    Args:
        heads: of the columns.
        rows: text of the cells.
        shares: of the page's width, a column each.
    """
    whole = alone("Table")
    lines = [(heads, "head", "TH"), *((row, "cell", "TD") for row in rows)]
    cells = [
        [para(text, style, (*whole, ("TR", r), (kind, c))) for c, text in enumerate(row)]
        for r, (row, style, kind) in enumerate(lines)
    ]
    table = Table(cells, colWidths=[share * WIDTH for share in shares], repeatRows=1)
    table.setStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("BACKGROUND", (0, 0), (-1, 0), _PALE),
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
            ("LEFTPADDING", (0, 0), (-1, -1), 3),
            ("RIGHTPADDING", (0, 0), (-1, -1), 3),
            ("TOPPADDING", (0, 0), (-1, -1), 2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
        ]
    )
    table.hAlign = "LEFT"
    table.spaceAfter = 5
    return table


def facts_table(facts: Sequence[tuple[str, str]], columns: int = 2) -> Table:
    """Names and values in columns of pairs."""
    pairs = [facts[i : i + columns] for i in range(0, len(facts), columns)]
    cells = []
    for pair in pairs:
        row: list[Any] = [
            rich(f"<font color='#4b5563'>{escape(name)}</font><br/>{escape(value)}", "small")
            for name, value in pair
        ]
        cells.append(row + [""] * (columns - len(row)))
    table = Table(cells, colWidths=[WIDTH / columns] * columns)
    table.setStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 1),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
        ]
    )
    table.hAlign = "LEFT"
    return table


def register_fonts() -> None:
    """Bitstream Vera, which comes with the library and has the letters of European languages."""
    if FONT in pdfmetrics.getRegisteredFontNames():
        return
    for name, file in ((FONT, "Vera"), (_BOLD, "VeraBd"), (_ITALIC, "VeraIt")):
        pdfmetrics.registerFont(TTFont(name, f"{file}.ttf"))
    pdfmetrics.registerFontFamily(FONT, normal=FONT, bold=_BOLD, italic=_ITALIC, boldItalic=_BOLD)
