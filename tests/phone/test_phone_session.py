"""A live session with a phone in the waistband: measured, judged, stored, and replayed the same."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from live_session import REP, MadeCamera, Outcome, session, shot, stored
from made_phone import FRONT, HEAD, LEFT, about, held, samples

from formcheck.errors import FormcheckError
from formcheck.exercises.definition import load_definition
from formcheck.measures.table import Reason, Status
from formcheck.phone.sample import SAMPLE_COUNT, Sample
from formcheck.pose.track import Track
from formcheck.session.reader import open_session
from formcheck.session.replay import replay
from formcheck.session.rescore import rescore
from formcheck.session.what_if import WhatIf

ROLL_DEG = 14.0
SITS = about(LEFT, 8.0)


class MadePhone:
    """What a phone sends while its bearer stands for two seconds, lies down, and does what the camera sees.

    Its times are on the camera's clock; each sample comes a tenth of a second late.
    """

    def __init__(self, camera: MadeCamera, rows: np.ndarray) -> None:
        self._camera, self._rows, self._told = camera, rows, 0

    def now_s(self) -> float:
        return self._camera.now_s()

    def take(self) -> np.ndarray:
        first = self._told
        self._told = int(np.searchsorted(self._rows[:, Sample.TIME_S], self.now_s() - 0.1))
        return self._rows[first : self._told]


def sent(track: Track, rolls: np.ndarray) -> np.ndarray:
    """Samples of a phone on a body with the left side on top that rolls back by so much in each frame."""
    times = np.arange(track.time_s[0] - 1.0, track.time_s[-1], 1 / 60)
    turns = np.interp(times, track.time_s, rolls)
    rows = samples([SITS @ about(HEAD, -deg) @ LEFT for deg in turns], float(times[0]))
    rows[:, Sample.TIME_S] = times
    stood = held(SITS @ HEAD, 2.0, float(times[0]) - 3.0)
    return np.concatenate([stood, rows])


def rolled(track: Track) -> np.ndarray:
    """Roll that goes with the lift of the knee."""
    from formcheck.pose.landmarks import Landmark

    knee = -track.image_xyz[:, Landmark.LEFT_KNEE, 1]
    low, high = np.percentile(knee, [5, 97])
    return ROLL_DEG * np.clip((knee - low) / (high - low), 0, 1)


def clams(folder: Path, rows: np.ndarray | None, track: Track | None = None) -> Outcome:
    """Three practice repetitions and three of a set, seen from the front."""
    track = shot("clam", [REP] * 10) if track is None else track
    definition = load_definition("clam")
    if rows is not None:
        definition = definition.with_phone()
    phone = (lambda camera: MadePhone(camera, rows)) if rows is not None else None
    return session("clam", track, folder, definition=definition, phone=phone)


@pytest.fixture(scope="module")
def worn(tmp_path_factory) -> Path:
    track = shot("clam", [REP] * 10)
    return stored(clams(tmp_path_factory.mktemp("worn"), sent(track, rolled(track)), track))


def test_from_the_front_the_roll_is_felt_judged_and_told(worn):
    with open_session(worn) as one:
        summary, table = one.summary, one.measures
    assert summary is not None
    assert summary.view.name == "front"
    roll = summary.measures["pelvic_roll_deg"]
    assert (roll.status, roll.source) == ("ok", "phone")
    assert summary.measures["knee_lift"].source == "camera"
    assert summary.measures["hip_opening_deg"].status == "ok"
    counted = [rep for rep in summary.reps if rep.class_ == "full"]
    assert len(counted) == 3
    for rep in counted:
        assert rep.peak["pelvic_roll_deg"] == pytest.approx(ROLL_DEG, abs=1.5)
        left = rep.peak["opening_deg"] - rep.peak["pelvic_roll_deg"]
        assert rep.peak["hip_opening_deg"] == pytest.approx(left, abs=1.0)
        assert "pelvis_rolls_back" in {fault.id for fault in rep.faults}
    assert summary.faults["pelvis_rolls_back"].reps_affected == 3
    assert np.isfinite(table.column("pelvic_roll_deg")).sum() > 100


def test_what_was_sent_is_stored_and_every_way_of_judging_agrees_to_the_bit(worn):
    with open_session(worn) as one:
        sent_rows = np.concatenate([arrival.samples for arrival in one.phone])
        assert sent_rows.shape[1] == SAMPLE_COUNT
        assert len(sent_rows) > 1000
        first = replay(one)
        shown = one.measures
        assert first.measures.value.astype(np.float32).tobytes() == shown.value.astype(np.float32).tobytes()
        assert first.measures.status.tobytes() == shown.status.tobytes()
        assert first.summary.reps == one.summary.reps
        assert first.summary.faults == one.summary.faults
        for again in (
            rescore(one),
            WhatIf(one).judge(load_definition("clam")),
            rescore(one, load_definition("clam")),
        ):
            assert again.measures.value.tobytes() == first.measures.value.tobytes()
            assert again.measures.sd.tobytes() == first.measures.sd.tobytes()
            assert again.summary.faults == first.summary.faults


def test_the_lifts_of_practice_show_how_the_phone_sits_and_a_replay_learns_the_same(tmp_path):
    from formcheck.pose.landmarks import Landmark

    track = shot("bridge", [REP] * 8)
    hips = -track.image_xyz[:, Landmark.LEFT_HIP, 1]
    low, high = np.percentile(hips, [5, 97])
    times = np.arange(track.time_s[0] - 1.0, track.time_s[-1], 1 / 60)
    leans = 30.0 * np.clip((np.interp(times, track.time_s, hips) - low) / (high - low), 0, 1)
    moved_deg = 5.0  # in the waistband, while its bearer lay down
    rows = samples([about(FRONT, moved_deg) @ about(LEFT, -deg) @ FRONT for deg in leans], float(times[0]))
    rows[:, Sample.TIME_S] = times
    rows = np.concatenate([held(HEAD, 2.0, float(times[0]) - 3.0), rows])
    definition = load_definition("bridge").with_phone()
    outcome = session("bridge", track, tmp_path, definition=definition, phone=lambda c: MadePhone(c, rows))
    with open_session(stored(outcome)) as one:
        assert one.summary is not None
        counted = [rep for rep in one.summary.reps if rep.class_ == "full"]
        assert len(counted) >= 3
        leaks = moved_deg * np.tan(np.radians(30.0))
        table = one.measures
        drop = np.abs(table.column("pelvic_drop_deg"))
        before = table.time_s < counted[0].start_s
        assert np.nanmax(drop[before]) == pytest.approx(leaks, abs=0.4)
        assert np.nanmax(drop[table.time_s > counted[0].start_s]) < 0.75 * leaks
        first = replay(one)
        assert first.measures.value.astype(np.float32).tobytes() == table.value.astype(np.float32).tobytes()
        again = rescore(one, definition)
        assert again.measures.value.tobytes() == first.measures.value.tobytes()
        assert again.measures.sd.tobytes() == first.measures.sd.tobytes()


def test_without_a_phone_the_front_shows_no_roll_and_nothing_else_differs(worn, tmp_path):
    bare = stored(clams(tmp_path, None))
    with open_session(bare) as one, open_session(worn) as other:
        assert one.phone == []
        assert one.summary.measures["pelvic_roll_deg"].status == "not_measurable"
        assert one.summary.measures["pelvic_roll_deg"].source == "camera"
        assert not one.summary.faults["pelvis_rolls_back"].checked
        for name in one.meta.measures:
            phone = other.definition.measures[name].phone is not None
            same = one.measures.column(name).tobytes() == other.measures.column(name).tobytes()
            assert same or phone, name


def test_a_gap_in_what_was_sent_is_a_gap_in_the_measure(tmp_path):
    track = shot("clam", [REP] * 10)
    rows = sent(track, rolled(track))
    t = rows[:, Sample.TIME_S]
    gone = (t > 41.0) & (t < 44.0)
    with open_session(stored(clams(tmp_path, rows[~gone], track))) as one:
        table = one.measures
        inside = (table.time_s > 41.5) & (table.time_s < 43.9)
        assert inside.sum() > 20
        assert (table.status[inside, table.names.index("pelvic_roll_deg")] == Status.NOT_MEASURABLE).all()
        assert (table.reason_of("pelvic_roll_deg")[inside] == Reason.PHONE).all()
        assert (table.reason_of("hip_opening_deg")[inside] == Reason.PHONE).all()
        assert [e.data["state"] for e in one.events if e.kind == "phone"] == ["ok", "silent", "ok"]


def test_a_network_that_stumbles_again_and_again_is_no_news(tmp_path):
    track = shot("clam", [REP] * 10)
    rows = sent(track, rolled(track))
    t = rows[:, Sample.TIME_S]
    stumbles = (t > 5.0) & (np.mod(t, 2.0) > 1.4)
    outcome = clams(tmp_path, rows[~stumbles], track)
    with open_session(stored(outcome)) as one:
        assert [e.data["state"] for e in one.events if e.kind == "phone"] == ["ok"]


def test_a_phone_upside_down_is_said_and_measures_nothing(tmp_path):
    track = shot("clam", [REP] * 10)
    rows = sent(track, rolled(track))
    rows[:, [Sample.UP_X, Sample.UP_Y]] *= -1
    outcome = clams(tmp_path, rows, track)
    assert outcome.heard.keys.count("phone.worn.upside_down") in (1, 2)  # again where a number cut it off
    assert "phone.place" in outcome.heard.keys
    with open_session(stored(outcome)) as one:
        roll = one.summary.measures["pelvic_roll_deg"]
        assert (roll.status, roll.reason) == ("not_measurable", "phone")
        assert not one.summary.faults["pelvis_rolls_back"].checked
        assert one.summary.faults["pelvis_rolls_back"].reason == "phone"
        assert len(one.summary.reps) == 3


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE phone SET after_frame = after_frame + 1 WHERE part = 3",
        "UPDATE phone SET samples = zeroblob(72) WHERE part = 3",
        "DELETE FROM phone WHERE part = 3",
        "DELETE FROM phone WHERE part = (SELECT max(part) FROM phone)",
    ],
)
def test_damage_to_what_was_sent_is_noticed_and_the_rest_stays_readable(worn, tmp_path, harm):
    copy = tmp_path / "session.sqlite"
    copy.write_bytes((worn / "session.sqlite").read_bytes())
    with sqlite3.connect(copy) as db:
        db.execute(harm)
    with open_session(copy) as one:
        with pytest.raises(FormcheckError, match="samples of the phone"):
            _ = one.phone
        assert one.summary is not None


def test_a_session_of_before_there_were_phones_opens(worn, tmp_path):
    from made import seal

    copy = tmp_path / "session.sqlite"
    copy.write_bytes((worn / "session.sqlite").read_bytes())
    with sqlite3.connect(copy) as db:
        db.execute("DROP TABLE phone")
        db.execute("DELETE FROM meta WHERE key = 'phone_parts'")
        db.execute("UPDATE meta SET value = 'formcheck.session/4' WHERE key = 'schema'")
        seal(db)
    with open_session(copy) as one:
        assert one.phone == []
        assert one.summary is not None


def test_who_reads_a_session_is_told_that_a_phone_felt_it(worn):
    from formcheck.analysis.findings import Findings
    from formcheck.review.describe import happened

    with open_session(worn) as one:
        findings = Findings(one.definition, "front")
        events, _ = happened(one.events, findings)
    assert "felt by a phone" in findings.wording("pelvis_rolls_back")
    assert "felt by a phone" in findings.wording("range_forced")
    assert "phone" not in findings.wording("feet_separate")
    assert "The phone in the waistband tells the pelvis" in {event["text"] for event in events}


def test_every_state_of_the_phone_has_its_words():
    from formcheck.phone.worn import Worn
    from formcheck.words import said_of

    states = {state.word for state in Worn}
    assert set(said_of("phone.event.")) == states | {"phone", "computer"}  # and which one is the camera
    assert set(said_of("phone.worn.")) == states - {"ok", "silent"}  # about these nothing is said aloud


def spoilt(column: int, value: float) -> np.ndarray:
    rows = held(LEFT, 0.1, 3.0)
    rows[2, column] = value
    return rows


@pytest.mark.parametrize(
    ("after", "blob", "good"),
    [
        (3, held(LEFT, 0.1, 3.0).tobytes(), True),
        (3, b"", True),
        (3, spoilt(Sample.RATE_X, np.nan).tobytes(), True),
        (3, spoilt(Sample.TIME_S, 2.0).tobytes(), True),  # out of order: left out by the engine
        (-(2**60), held(LEFT, 0.1, 3.0).tobytes(), True),
        ("x", held(LEFT, 0.1, 3.0).tobytes(), False),
        (3, held(LEFT, 0.1, 3.0).tobytes()[:-1], False),
        (3, "text", False),
        (3, spoilt(Sample.TIME_S, np.nan).tobytes(), False),
        (3, spoilt(Sample.TIME_S, 1e300).tobytes(), False),
        (3, spoilt(Sample.UP_Y, 1e300).tobytes(), False),
        (3, spoilt(Sample.UP_Y, np.nan).tobytes(), False),
        (3, spoilt(Sample.RATE_Z, np.inf).tobytes(), False),
        (3, spoilt(Sample.CLOCK_S, np.nan).tobytes(), False),
    ],
)
def test_what_no_phone_says_is_refused_though_its_check_sum_is_right(worn, tmp_path, after, blob, good):
    from made import seal

    from formcheck.session.schema import row_crc

    copy = tmp_path / "session.sqlite"
    copy.write_bytes((worn / "session.sqlite").read_bytes())
    with sqlite3.connect(copy) as db:
        db.execute("DELETE FROM phone")
        row = (0, after, blob)
        db.execute("INSERT INTO phone VALUES (?,?,?,?)", (*row, row_crc(row)))
        db.execute("UPDATE meta SET value = '1' WHERE key = 'phone_parts'")
        seal(db)
    with open_session(copy) as one:
        if good:
            assert len(one.phone) == 1
        else:
            with pytest.raises(FormcheckError, match="samples of the phone"):
                _ = one.phone
