"""Items made on another thread: the same, in order, errors in their place; the thread ends with its user."""

from __future__ import annotations

import itertools
import threading
import time

import pytest
from waiting import until

from formcheck.video.prefetch import ahead
from formcheck.words import speaking, spoken


def running() -> int:
    return sum(thread.name == "made ahead" for thread in threading.enumerate())


@pytest.mark.parametrize("count", [1, 4])
def test_the_same_items_in_the_same_order(count):
    assert list(ahead(range(100), count, "made ahead")) == list(range(100))
    assert list(ahead([None, False, ()], count, "made ahead")) == [None, False, ()]
    assert list(ahead([], count, "made ahead")) == []
    assert running() == 0


def test_so_many_are_made_in_advance_and_no_more():
    made: list[int] = []
    items = ahead((made.append(i) or i for i in itertools.count()), 3, "made ahead")
    assert next(items) == 0
    until(lambda: len(made) == 5)  # the one in use, three that wait, one that finds no room
    time.sleep(0.3)
    assert len(made) == 5
    items.close()
    assert running() == 0


def test_an_error_comes_after_the_items_before_it():
    def two_then_trouble():
        yield from (1, 2)
        raise ValueError("the third")

    items = ahead(two_then_trouble(), 4, "made ahead")
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(ValueError, match="the third"):
        next(items)
    assert running() == 0


def test_one_ahead_of_another_can_be_left_in_the_middle():
    first = ahead(itertools.count(), 2, "made ahead")
    second = ahead((2 * i for i in first), 2, "made ahead")
    assert [next(second) for _ in range(5)] == [0, 2, 4, 6, 8]
    second.close()
    first.close()
    assert running() == 0


def test_what_is_made_ahead_speaks_the_language_of_who_asked():
    with speaking("de"):
        assert list(ahead((spoken() for _ in range(3)), 2, "test")) == ["de"] * 3
