"""Who else was in view, and for how long?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from skeleton import Camera, bridge, film, standing

from formcheck.analysis.people import others_in_view, people_warnings
from formcheck.pose.track import Track

FPS = 10.0


def watched(*spans: tuple[float, float], most: int = 2, body: np.ndarray | None = None) -> Track:
    """Twenty seconds of somebody (lying, if nothing else is said), others in view in these spans."""
    time_s = np.arange(200) / FPS
    track = film(np.stack([bridge() if body is None else body] * 200), time_s, Camera())
    people = np.ones(200, np.int32)
    for begin, end in spans:
        people[(time_s >= begin) & (time_s < end)] = most
    return replace(track, people_seen=people)


def test_alone_nothing_is_said() -> None:
    assert others_in_view(watched()) == []
    assert people_warnings(watched()) == []


def test_from_when_to_when_and_how_much_of_the_time() -> None:
    assert people_warnings(watched((3, 9), (12, 16))) == [
        "A second person was in view from 3 to 9 s and from 12 to 16 s (50% of the time); "
        "the one lying on the mat was followed."
    ]


def test_all_the_time_and_several() -> None:
    assert people_warnings(watched((0, 20), most=3)) == [
        "Up to 2 other people were in view all the time; the one lying on the mat was followed."
    ]


def test_a_person_overlooked_once_was_there_all_along_and_one_counted_once_was_not() -> None:
    assert others_in_view(watched((3, 5), (6, 9))) == [(3.0, 9.0)]
    assert others_in_view(watched((3, 4))) == []
    assert others_in_view(watched((3, 3.3), (4, 4.3), (5, 5.3), (6, 6.3))) == []


def test_whoever_is_followed_upright_may_not_be_the_patient() -> None:
    (said,) = people_warnings(watched((2, 12), body=standing()))
    assert said.endswith("the one followed was not lying, so it may not be the patient.")


def test_it_is_said_when_another_body_was_followed() -> None:
    track = watched((4, 12))
    image = track.image_xyz.copy()
    image[80:, :, 0] += 600
    one, other = people_warnings(replace(track, image_xyz=image))
    assert one.startswith("A second person was in view from 4 to 12 s")
    assert other == "At 8 s another body was followed than before; it may be the other person."
    alone = replace(track, image_xyz=image, people_seen=np.ones(200, np.int32))
    assert people_warnings(alone) == []
