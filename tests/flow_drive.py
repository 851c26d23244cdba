"""A flow that is driven by a test: keys, frames, and what it says and tells of."""

from __future__ import annotations

from typing import TypeVar

from formcheck.analysis.events import Event
from formcheck.coach.flow import Flow
from formcheck.coach.message import Say
from formcheck.engine.live_engine import LiveMoment

Driven = TypeVar("Driven", bound="DrivenFlow")


class DrivenFlow:
    """Ten frames a second; everything is heard at once.

    Args:
        flow: what is driven.
    """

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.t, self.index = 0.0, -1
        self.said: list[Say] = []
        self.events: list[Event] = []

    def collect(self: Driven) -> Driven:
        for message in self.flow.take_messages():
            if isinstance(message, Say):
                self.said.append(message)
            self.flow.spoken(message)
        self.events += self.flow.take_events()
        return self

    def press(self: Driven, *keys: str) -> Driven:
        for key in keys:
            self.flow.press(key)
            self.collect()
        return self

    def frames(self: Driven, seconds: float, stage: str = "work", **more: object) -> Driven:
        for _ in range(round(seconds * 10)):
            self.t, self.index = self.t + 0.1, self.index + 1
            self.flow.frame(LiveMoment(self.t, self.index, stage, **more))  # type: ignore[arg-type]
            self.collect()
        return self

    def end_lines(self) -> tuple[str, ...]:
        """What stands at the end, on all its leaves."""
        lines = self.flow.page().lines
        while any(choice.id == "more" for choice in self.flow.page().choices):
            self.press("2")
            if self.flow.page().lines[0] == lines[0]:
                break
            lines += self.flow.page().lines
        return lines
