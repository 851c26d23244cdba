"""The page on the computer's screen that brings a phone in: a code, and what the phone will warn of."""

from __future__ import annotations

import time
from dataclasses import replace

from formcheck.coach.pages.draw import Drawn, draw_page
from formcheck.coach.pages.page import Choice, Page
from formcheck.coach.pages.window import Click, Closed, Key, Screen
from formcheck.coach.phone.certificate import code_of
from formcheck.coach.phone.link import PhoneLink, Role
from formcheck.words import Words

_LOOKS_S = 0.05


def bring_in(
    link: PhoneLink, address: str, window: Screen, words: Words, *, high_contrast: bool = False
) -> bool | None:
    """Shows the code until a phone has come and somebody goes on, or somebody goes on without one.

    Args:
        link: tells when it has come.
        address: that the code holds.
        window: to show it in.
        words: in whose language.
        high_contrast: of the window.

    Returns:
        Whether there is a phone; None where the window was closed or left.
    """
    code = code_of(address)
    while True:
        page = replace(_page(words, address, link.role, there=link.there), code=code)
        drawn = draw_page(page, None, window.size, high_contrast=high_contrast)
        window.show(drawn.image)
        for event in window.events():
            if isinstance(event, Closed) or (isinstance(event, Key) and event.name == "esc"):
                return None
            chosen = _choice(event, drawn, page)
            if chosen is not None:
                return chosen == "go_on"
        time.sleep(_LOOKS_S)


def _page(words: Words, address: str, role: Role, *, there: bool) -> Page:
    place = address.partition("#")[0]
    page = Page(
        "notice",
        words(f"phone.pair.title_{role}"),
        (
            words("phone.pair.line_1"),
            words("phone.pair.line_2", address=place),
            words("phone.pair.line_3"),
            words("phone.pair.waiting"),
        ),
        (Choice("without", words("phone.pair.without"), "2"),),
        selected=-1,
        footer=words("phone.pair.footer"),
        language=words.language,
    )
    if not there:
        return page
    going = Choice("go_on", words("phone.pair.go_on"), "1")
    return replace(
        page,
        lines=(*page.lines[:-1], words(f"phone.pair.there_{role}")),
        choices=(going, *page.choices),
        selected=0,
    )


def _choice(event: Key | Click, drawn: Drawn, page: Page) -> str | None:
    if isinstance(event, Click):
        return drawn.choice_at(event.x, event.y)
    if event.name == "enter" and page.selected >= 0:
        return page.choices[page.selected].id
    return next((choice.id for choice in page.choices if choice.key == event.name), None)
