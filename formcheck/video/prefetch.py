"""`ahead`: the next items are made on another thread while the last ones are being used."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterable[T], count: int, name: str) -> Generator[T, None, None]:
    """The same items in the same order, up to `count` of them made in advance on a thread of their own.

    An error in making them is raised here, in its place. To stop early, close the generator: it waits for the
    item that is being made.

    Args:
        items: what to go through; only the other thread touches it until the end.
        count: how many may wait.
        name: of the thread.
    """
    box: queue.Queue[T | _Failed | _End] = queue.Queue(count)
    stop = threading.Event()

    def put(item: T | _Failed | _End) -> None:
        while not stop.is_set():
            try:
                return box.put(item, timeout=0.1)
            except queue.Full:
                continue

    def make() -> None:
        try:
            for item in items:
                put(item)
                if stop.is_set():
                    return
            put(_End())
        except BaseException as error:
            put(_Failed(error))

    maker = threading.Thread(target=copy_context().run, args=(make,), name=name, daemon=True)
    maker.start()
    try:
        while not isinstance(item := box.get(), _End):
            if isinstance(item, _Failed):
                raise item.error
            yield item
    finally:
        stop.set()
        maker.join()


class _End:
    pass


class _Failed:
    def __init__(self, error: BaseException) -> None:
        self.error = error
