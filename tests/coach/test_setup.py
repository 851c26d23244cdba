"""The set-up coach's reasoning on synthetic bodies under cameras, and how it speaks."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from formcheck.coach.message import Say
from formcheck.coach.mouth import Mouth
from formcheck.coach.setup import ADVICE, Problem, SetupCoach
from formcheck.engine.position import UNSTEADY
from formcheck.engine.start_position import CHECKS, camera_tilted, setup_problem
from formcheck.exercises.definition import EXERCISES, load_definition
from formcheck.exercises.prescription import Prescription, prescribe
from formcheck.measures.measure import formulas
from formcheck.words import Words, languages
from tests.skeleton import (
    BODY,
    Camera,
    L,
    bridge,
    clam,
    film,
    half_kneeling,
    lying_straight,
    mirrored,
    plank,
    rotated,
    standing,
    step_at_wall,
)

TIME = np.arange(0.0, 1.0, 1 / 15)
BRIDGE, CLAM, SINGLE = (load_definition(e) for e in ("bridge", "clam", "single-leg-bridge"))
WANTED = {"bridge": ("side",), "single-leg-bridge": ("side",), "clam": ("front", "oblique")}
SIDE = Camera(yaw_deg=0)
FRONT = Camera(yaw_deg=0, target=(0.0, 0.25, 0.2))


def lying_clam(opening_deg=0.0, *, feet_apart=0.0, **options):
    """The skeleton's legs lie a hip's width apart; here the top foot rests on the other, as feet do.

    A quarter of a trunk length down leaves 0.15 between the middles of the feet (real ones 0.04 to 0.19).
    """
    return clam(opening_deg, feet_apart=feet_apart - 0.25, **options)


def ask(
    points,
    camera=SIDE,
    definition=BRIDGE,
    *,
    side=None,
    wanted=None,
    people=1,
    missing=0.0,
    mirror=False,
    **film_options,
):
    """What is in the way of this body, still unless `points` has a time axis."""
    points = np.asarray(points)
    if points.ndim == 2:
        points = np.repeat(points[None], len(TIME), axis=0)
    track = film(points, TIME, camera, missing=missing, **film_options)
    track = mirrored(track) if mirror else track
    problem = setup_problem(
        time_s=track.time_s,
        xy=track.image_xyz[..., :2],
        world=track.world_xyz,
        visibility=track.visibility,
        image_wh=track.image_wh,
        people_seen=people,
        definition=definition,
        wanted_views=WANTED[definition.name] if wanted is None else wanted,
        side=side,
    )
    return problem


def asked(*args, **options):
    problem = ask(*args, **options)
    return problem.id if problem is not None else None


def on_a_clam(points=None, camera=FRONT, **options):
    return asked(lying_clam() if points is None else points, camera, CLAM, **options)


# --- in the right position nothing is in the way -------------------------------------------------------


@pytest.mark.parametrize("k", [0.85, 1.0, 1.12], ids=["small", "middle", "tall"])
@pytest.mark.parametrize(
    ("camera", "wanted"),
    [
        (SIDE, ("side",)),
        (Camera(yaw_deg=18), ("side",)),
        (Camera(yaw_deg=-18), ("side",)),
        (Camera(yaw_deg=180), ("side",)),
        (Camera(yaw_deg=0, height_m=0.7), ("side",)),
        (Camera(yaw_deg=0, image_wh=(640, 480), focal_px=520), ("side",)),
        (Camera(yaw_deg=80, height_m=1.0), ("feet",)),
        (Camera(yaw_deg=-80, height_m=1.0), ("head",)),
        (Camera(yaw_deg=45, height_m=0.8), ("oblique",)),
    ],
)
def test_lying_right_for_a_bridge(k, camera, wanted):
    assert asked(bridge(body=BODY.scaled(k)), camera, wanted=wanted) is None


@pytest.mark.parametrize("k", [0.85, 1.0, 1.12], ids=["small", "middle", "tall"])
@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize(
    "camera",
    [FRONT, Camera(yaw_deg=15, target=FRONT.target), Camera(yaw_deg=50, height_m=0.4, target=FRONT.target)],
)
def test_lying_right_for_a_lying_clam(k, mirror, camera):
    side = "right" if mirror else "left"
    assert on_a_clam(lying_clam(body=BODY.scaled(k)), camera, mirror=mirror, side=side) is None


def test_shaky_landmarks_of_a_body_at_rest_do_not_matter():
    noise = {"noise_px": 1.5, "noise_m": 0.01, "rho": 0.8}
    for seed in range(4):
        assert asked(bridge(), **noise, seed=seed) is None
        assert on_a_clam(**noise, seed=seed) is None


def test_lying_right_on_one_leg():
    assert asked(bridge(stance="right"), definition=SINGLE, side="right") is None


#: Landmarks of BlazePose (`full`) over 1.2 s of rendered clips (640 x 480), every third frame and the
#: next averaged: ``clip|exercise|answer``, ``(T, 33, 7)``: image x, y, world x, y, z, visibility, time.
RENDERED = np.load(Path(__file__).parents[1] / "data" / "start_positions.npz")


@pytest.mark.parametrize("name", RENDERED.files)
def test_what_blazepose_makes_of_rendered_bodies(name):
    _, exercise, answer = name.split("|")
    values = RENDERED[name].astype(np.float64)
    problem = setup_problem(
        time_s=values[:, 0, 6],
        xy=values[..., :2],
        world=values[..., 2:5],
        visibility=values[..., 5],
        image_wh=(640, 480),
        people_seen=1,
        definition=load_definition(exercise),
        wanted_views=("side", "oblique") if "bridge" in exercise else ("front", "oblique"),
        side=None,
    )
    assert (problem.id if problem is not None else "right") == answer


# --- each problem, and that it is the one said ---------------------------------------------------------


def test_nobody():
    assert asked(bridge(), missing=1.0, people=0) == "nobody"
    assert asked(bridge(), missing=TIME > 0.2) == "nobody"
    empty = {"time_s": TIME[:0], "xy": np.empty((0, 33, 2)), "world": np.empty((0, 33, 3))}
    problem = setup_problem(
        **empty,
        visibility=np.empty((0, 33)),
        image_wh=(640, 480),
        people_seen=0,
        definition=BRIDGE,
        wanted_views=("side",),
        side=None,
    )
    assert problem == Problem("nobody")


def test_two_people_matter_only_without_a_lock():
    assert asked(bridge(), people=2) is None
    assert asked(bridge(), people=3, missing=TIME > 0.6) == "two_people"
    assert asked(bridge(), people=2, missing=1.0) == "two_people"


@pytest.mark.parametrize(
    ("distance_m", "problem"), [(0.9, "too_close"), (1.6, None), (2.6, None), (5.0, "too_far")]
)
def test_distance(distance_m, problem):
    assert asked(bridge(), Camera(distance_m=distance_m)) == problem


def test_from_an_end_a_body_may_look_smaller():
    assert asked(bridge(), Camera(yaw_deg=80, height_m=1.0, distance_m=2.5), wanted=("feet",)) is None
    assert asked(bridge(), Camera(yaw_deg=80, height_m=1.0, distance_m=8.0), wanted=("feet",)) == "too_far"


@pytest.mark.parametrize(
    ("look_at_x", "problem"), [(1.5, "head_out"), (0.75, None), (-0.1, None), (-0.6, "feet_out")]
)
def test_head_and_feet_in_the_picture(look_at_x, problem):
    assert asked(bridge(), Camera(target=(look_at_x, 0.25, 0.0))) == problem


@pytest.mark.parametrize("roll_deg", [-25, -18, 18, 25])
def test_a_tilted_camera(roll_deg):
    assert asked(bridge(), Camera(roll_deg=roll_deg)) == "camera_tilted"
    assert on_a_clam(camera=Camera(roll_deg=roll_deg, target=FRONT.target)) == "camera_tilted"


@pytest.mark.parametrize("roll_deg", [-5, 5])
@pytest.mark.parametrize("yaw_deg", [-20, 0, 20])
@pytest.mark.parametrize("height_m", [0.25, 0.7, 1.0])
def test_perspective_and_a_slightly_crooked_lid_are_no_tilt(roll_deg, yaw_deg, height_m):
    """A floor line that runs away from a raised camera slopes in the picture without any tilt."""
    camera = Camera(yaw_deg=yaw_deg, height_m=height_m, roll_deg=roll_deg)
    assert asked(bridge(), camera) != "camera_tilted"
    assert on_a_clam(camera=camera) != "camera_tilted"


def test_legs_in_the_air_and_lifted_hips_are_no_tilt():
    for points in (lying_straight(60.0), lying_straight(20.0), bridge(0.22)):
        assert asked(points, Camera(distance_m=2.6)) != "camera_tilted"
    # ...but do not hide one either
    assert asked(lying_straight(), Camera(roll_deg=20, distance_m=2.8)) == "camera_tilted"


@pytest.mark.parametrize("definition", [BRIDGE, CLAM, SINGLE])
def test_still_standing(definition):
    far = Camera(distance_m=3.5, target=(0, 0.9, 0), height_m=0.6)
    assert asked(standing(), far, definition) == "not_lying"
    # A laptop on the floor does not see a standing person's head: that is no reason to complain.
    assert asked(standing(), Camera(distance_m=2.6, target=(0, 0.5, 0)), definition) == "not_lying"
    # Filling the picture from head to foot is fine too, as long as one stands.
    assert (
        asked(standing(), Camera(distance_m=1.9, height_m=0.9, target=(0, 0.9, 0)), definition) == "not_lying"
    )
    # Right in front of the laptop not even the trunk is in the picture.
    assert asked(standing(), Camera(distance_m=0.8, target=(0, 0.9, 0)), definition) == "too_close"


def test_sitting():
    body = standing()
    for side in ("LEFT", "RIGHT"):
        hip = body[L[f"{side}_HIP"]]
        body[L[f"{side}_KNEE"]] = hip + np.array([0.0, 0.02, 0.42])
        for part, down in (("ANKLE", 0.4), ("HEEL", 0.45), ("FOOT_INDEX", 0.45)):
            body[L[f"{side}_{part}"]] = body[L[f"{side}_KNEE"]] - [0.0, down, 0.0]
    assert asked(body, Camera(yaw_deg=60, distance_m=2.5, target=(0, 0.8, 0), height_m=0.6)) == "not_lying"


def test_the_wrong_side_up():
    assert on_a_clam(side="right") == "wrong_side_up"
    assert on_a_clam(side="left", mirror=True) == "wrong_side_up"
    assert on_a_clam(side=None) is None
    # On the back there is no upper side yet.
    assert on_a_clam(bridge(), side="right") == "not_in_position"


def test_straight_knees():
    assert asked(lying_straight(), Camera(distance_m=2.8)) == "knees_straight"
    straight = lying_clam(hip_flexion_deg=5.0)
    for side in ("LEFT", "RIGHT"):
        hip = straight[L[f"{side}_HIP"]]
        for part, along in (("KNEE", 0.42), ("ANKLE", 0.82), ("HEEL", 0.85), ("FOOT_INDEX", 0.9)):
            straight[L[f"{side}_{part}"]] = hip + np.array([along, 0.0, 0.0])
    assert on_a_clam(straight, Camera(distance_m=2.8)) == "knees_straight"


def test_another_posture():
    assert asked(lying_clam(), FRONT) == "not_in_position"
    assert on_a_clam(bridge(), SIDE) == "not_in_position"
    assert asked(plank(), Camera(distance_m=2.8)) in ("knees_straight", "not_in_position")


@pytest.mark.parametrize("yaw_deg", [80, -80, 45])
def test_the_wrong_view_names_the_wanted_one(yaw_deg):
    problem = ask(bridge(), Camera(yaw_deg=yaw_deg, height_m=0.9))
    assert problem == Problem("wrong_view", view="side")
    assert asked(bridge(), Camera(yaw_deg=yaw_deg, height_m=0.9), wanted=()) is None


@pytest.mark.parametrize("yaw_deg", [0, 180])
def test_in_a_stretch_the_leg_that_works_is_the_nearer_one(yaw_deg):
    calf, hip = load_definition("calf-stretch"), load_definition("hip-flexor-stretch")
    camera = Camera(yaw_deg=yaw_deg, distance_m=3.2, height_m=0.9, focal_px=800, target=(0.3, 0.8, 0.0))
    near, far = ("right", "left") if yaw_deg == 0 else ("left", "right")
    for definition, body in ((calf, partial(step_at_wall, 20.0)), (hip, partial(half_kneeling, 0.0))):
        asked_near = asked(body(side=near.upper()), camera, definition, side=near, wanted=("side",))
        asked_far = ask(body(side=far.upper()), camera, definition, side=far, wanted=("side",))
        assert (asked_near, asked_far) == (None, Problem("far_leg", far)), definition.name
    assert asked(bridge(stance="left"), camera, SINGLE, side="left") != "far_leg"  # counts from either side


def test_a_clam_from_the_head_end_is_the_wrong_view():
    problem = ask(lying_clam(), Camera(yaw_deg=-60, target=FRONT.target), CLAM)
    assert problem == Problem("wrong_view", view="front")


@pytest.mark.parametrize(("apart", "problem"), [(0.0, None), (0.05, None), (0.3, "feet_apart")])
def test_feet_apart(apart, problem):
    assert on_a_clam(lying_clam(feet_apart=apart)) == problem


def test_hips_one_above_the_other():
    assert on_a_clam(lying_clam(hike_deg=8)) is None
    assert on_a_clam(lying_clam(hike_deg=35)) == "hips_not_stacked"


@pytest.mark.parametrize(
    ("flexion", "problem"),
    [(8, "knees_too_low"), (40, None), (55, None), (60, None), (67, "knees_too_high")],
)
def test_knees_in_front(flexion, problem):
    assert on_a_clam(lying_clam(hip_flexion_deg=flexion)) == problem


@pytest.mark.parametrize(
    ("knee_deg", "problem"),
    [(82, "feet_too_far"), (95, None), (120, None), (140, None), (150, "feet_too_near")],
)
def test_where_the_feet_stand(knee_deg, problem):
    assert asked(bridge(rest_knee_deg=knee_deg)) == problem


def test_the_target_is_the_patients_own():
    own = prescribe(BRIDGE, Prescription.model_validate({"target": {"knee_flexion_deg": 100}}))
    assert asked(bridge(rest_knee_deg=82), definition=own) is None
    assert asked(bridge(rest_knee_deg=135), definition=own) == "feet_too_near"


def test_feet_are_judged_from_the_side_only_and_by_the_stance_leg():
    wide = Camera(yaw_deg=45, height_m=0.8)
    assert asked(bridge(rest_knee_deg=80), wide, wanted=("oblique",)) is None
    assert asked(bridge(stance="right", rest_knee_deg=82), definition=SINGLE, side="right") == "feet_too_far"
    hidden = {L.LEFT_KNEE: 0.2, L.LEFT_ANKLE: 0.2}
    assert (
        asked(bridge(stance="left", rest_knee_deg=82), definition=SINGLE, side="left", visibility=hidden)
        is None
    )


@pytest.mark.parametrize(("lift", "problem"), [(0.0, None), (0.03, None), (0.2, "hips_up")])
def test_it_starts_from_the_bottom(lift, problem):
    assert asked(bridge(lift)) == problem


@pytest.mark.parametrize(("raised", "problem"), [(0.0, None), (0.10, None), (0.25, "head_up")])
def test_the_head_rests(raised, problem):
    """A pillow of ten centimetres is fine."""
    assert asked(bridge(head_m=raised)) == problem


def test_hold_still():
    shift = np.linspace(0, 0.1, len(TIME))[:, None, None] * np.array([1.0, 0, 0])
    assert asked(bridge()[None] + shift) == "hold_still"
    slow = shift * 0.1
    assert asked(bridge()[None] + slow) is None
    knees = np.stack([lying_clam(float(a)) for a in np.linspace(0, 12, len(TIME))])
    assert on_a_clam(knees) == "hold_still"


@pytest.mark.parametrize("seed", range(5))
def test_jitter_is_not_moving(seed):
    """A knee that shakes by three centimetres lies still; a hidden one may wander."""
    rng = np.random.default_rng(seed)
    shaking = np.repeat(bridge()[None], len(TIME), axis=0)
    shaking[:, L.LEFT_KNEE] += rng.normal(0, 0.03, (len(TIME), 3))
    assert asked(shaking) is None
    wandering = np.repeat(bridge()[None], len(TIME), axis=0)
    wandering[:, L.LEFT_KNEE, 0] += np.linspace(0, 0.1, len(TIME))
    assert asked(wandering) == "hold_still"
    assert asked(wandering, visibility={L.LEFT_KNEE: 0.3}) is None


def test_the_most_important_of_several_is_said():
    assert asked(bridge(rest_knee_deg=80), Camera(distance_m=6.0)) == "too_far"
    assert asked(bridge(rest_knee_deg=80, head_m=0.3)) == "feet_too_far"
    assert on_a_clam(lying_clam(feet_apart=0.3), side="right") == "wrong_side_up"


@pytest.mark.parametrize("seed", range(6))
def test_any_skeleton_gets_an_answer_without_complaint(seed):
    rng = np.random.default_rng(seed)
    track = film(np.repeat(bridge()[None], len(TIME), 0), TIME, SIDE)
    junk = {
        "xy": rng.normal(300, 400, track.image_xyz[..., :2].shape),
        "world": rng.normal(0, 1, track.world_xyz.shape) * (seed != 5),
    }
    for definition in (BRIDGE, CLAM, SINGLE):
        problem = setup_problem(
            time_s=TIME,
            **junk,
            visibility=track.visibility,
            image_wh=(640, 480),
            people_seen=1,
            definition=definition,
            wanted_views=("side",) if definition is not CLAM else ("front",),
            side="left",
        )
        assert problem is None or problem.id in dict(CHECKS)


def test_turned_bodies_do_not_upset_the_geometry():
    """A mat that lies a little askew: seen from the front it is the same exercise."""
    for deg in (-12, 12):
        turned = rotated(lying_clam(), np.array([0.0, 1.0, 0.0]), deg, np.zeros(3))
        assert on_a_clam(turned) is None


# --- speech -------------------------------------------------------------------------------------------

FAR, FEET, VIEW = Problem("too_far"), Problem("feet_apart"), Problem("wrong_view", view="front")


class Spoken:
    """A coach fed at ten frames a second."""

    def __init__(self, mouth=None, language="en"):
        self.coach = SetupCoach(CLAM, Words(language), mouth)
        self.t = 0.0
        self.log = []

    def stands(self, problem, seconds, advice=None):
        for _ in range(round(seconds * 10)):
            self.log += [(round(self.t, 1), m) for m in self.coach.update(self.t, problem, advice)]
            self.t = round(self.t + 0.1, 6)
        return self

    def texts(self):
        return [(t, m.text) for t, m in self.log]


def test_a_problem_must_stand_before_it_is_said():
    heard = Spoken().stands(FAR, 0.6).stands(None, 0.3).stands(FAR, 0.6).stands(FEET, 0.5)
    assert heard.log == []
    assert heard.stands(FEET, 0.4).texts() == [(2.2, "Put your feet together.")]


def test_who_walks_to_the_mat_is_not_told_that_nobody_is_there():
    nobody = Problem("nobody")
    assert Spoken().stands(nobody, 15.0).stands(FEET, 1.0).texts() == [(15.7, "Put your feet together.")]
    assert Spoken().stands(nobody, 21.0).texts() == [(20.0, "I can't see you yet.")]
    left = Spoken().stands(FEET, 1.0).stands(nobody, 1.0)
    assert [text for _, text in left.texts()] == ["Put your feet together."]  # the voice is still at it
    assert left.stands(nobody, 2.0).texts()[-1][1] == "I can't see you yet."


def test_it_is_said_again_in_more_detail_and_then_rarely():
    heard = Spoken().stands(FEET, 60.0)
    assert heard.texts() == [
        (0.7, "Put your feet together."),
        (8.7, "Put your top foot on the other one, heels together."),
        (16.7, "Put your top foot on the other one, heels together."),
        (46.7, "Put your top foot on the other one, heels together."),
    ]


def test_solved_is_good():
    heard = Spoken().stands(FEET, 2.5).stands(None, 12.0)
    assert [text for _, text in heard.texts()] == ["Put your feet together.", "Good."]
    assert heard.log[1][0] == pytest.approx(3.2)


def test_never_good_without_a_reason():
    assert Spoken().stands(None, 5.0).log == []
    # Away from the laptop in the middle of it: the feet were not put together, nobody is there.
    heard = Spoken().stands(FEET, 3.0).stands(Problem("nobody"), 3.0)
    assert [text for _, text in heard.texts()] == ["Put your feet together.", "I can't see you yet."]


def test_the_next_thing_comes_with_the_good():
    heard = Spoken().stands(FAR, 4.0).stands(FEET, 2.0)
    assert heard.texts()[1][1] == "Good. Put your feet together."


def test_a_flicker_is_not_heard():
    heard = Spoken().stands(FEET, 3.0)
    for _ in range(6):
        heard.stands(None, 0.3).stands(FEET, 0.3)
    assert len(heard.log) == 1


def test_what_comes_and_goes_is_not_said_over_and_over():
    heard = Spoken()
    for _ in range(20):  # three seconds each: as somebody far away, who is lost now and then
        heard.stands(FEET, 1.5).stands(FAR, 1.5)
    texts = [text for _, text in heard.texts()]
    assert texts.count("Put your feet together.") == 1
    times = [t for t, text in heard.texts() if "feet" in text or "foot" in text]
    assert all(later - earlier >= 8.0 for earlier, later in pairwise(times))
    assert len(times) <= 4
    assert not any(text.startswith("Good") for text in texts)


def test_what_was_solved_and_comes_back_much_later_is_told_at_once():
    heard = Spoken().stands(FEET, 2.5).stands(None, 20.0).stands(FEET, 1.0)
    assert [text for _, text in heard.texts()] == [
        "Put your feet together.",
        "Good.",
        "Put your top foot on the other one, heels together.",
    ]
    assert heard.log[-1][0] == pytest.approx(23.2)


def test_one_sentence_at_a_time():
    mouth = Mouth()
    heard = Spoken(mouth)
    mouth.free_at = 5.0
    heard.stands(FEET, 6.0)
    assert [t for t, _ in heard.log] == [5.0]
    rng = np.random.default_rng(3)
    heard = Spoken(mouth := Mouth())
    ends = 0.0
    for _ in range(60):
        problem = [None, FAR, FEET, VIEW, Problem("hold_still")][rng.integers(5)]
        before = len(heard.log)
        for _ in range(int(rng.integers(3, 40))):
            start = heard.t
            heard.stands(problem, 0.1)
            if len(heard.log) > before:
                assert len(heard.log) == before + 1
                assert start >= ends - 1e-9
                before, ends = len(heard.log), mouth.free_at


def test_the_wrong_view_says_where_the_laptop_goes():
    heard = Spoken().stands(VIEW, 1.0)
    assert (
        heard.texts()[0][1] == "Please move the laptop. Laptop in front of your tummy, level with your hips."
    )
    assert "where the drawing shows" in heard.coach.shown(VIEW)


def test_the_side_that_works_is_named():
    coach = SetupCoach(CLAM, Words())
    assert "left leg" in coach.shown(ask(lying_clam(), FRONT, CLAM, side="left", mirror=True))
    assert "right leg" in coach.shown(ask(lying_clam(), FRONT, CLAM, side="right"))


def test_light_is_only_advice():
    dark = Problem("dark", advice=True)
    heard = Spoken().stands(None, 10.0, dark)
    assert [text for _, text in heard.texts()] == ["It is rather dark. A lamp would help."]
    heard = Spoken().stands(FEET, 6.0, dark)
    assert heard.texts()[0][1] == "Put your feet together."
    assert len(heard.log) == 2


@pytest.mark.parametrize("language", languages())
def test_every_problem_has_its_three_sentences(language):
    own = set(Words(language).keys())
    definitions = [load_definition(exercise) for exercise in EXERCISES]
    postures = tuple(d.posture for d in definitions)
    lying = tuple(d.posture for d in definitions if formulas(d).LIES_ON != "nothing")
    variants = {"not_lying": lying, "not_in_position": postures}
    variants |= dict.fromkeys(("wrong_side_up", "far_leg"), ("left", "right"))
    for name, missed in (("knees_straight", "bent"), ("knees_bent", "straight")):
        variants[name] = tuple(d.posture for d in definitions if missed == formulas(d).KNEES)
    wanted = {"setup.good"}
    for name in [*(name for name, _ in CHECKS), *ADVICE, UNSTEADY.id]:
        for variant in variants.get(name, ("",)):
            place = ".".join(part for part in ("setup", name, variant) if part)
            wanted |= {f"{place}.{which}" for which in ("say", "again", "show")}
    assert {key for key in own if key.startswith("setup.")} == wanted


def test_what_is_said_first_is_short():
    words = Words()
    for name, _ in CHECKS:
        if f"setup.{name}.say" in words:
            assert len(words(f"setup.{name}.say", place="").split()) <= 10


def test_said_messages_are_plain_sentences():
    (_, message), *_ = Spoken(language="de").stands(FEET, 1.0).log
    assert message == Say("Legen Sie die Füße zusammen.", "setup.feet_apart", message.priority)
    assert not message.interrupt


def test_the_tilt_check_can_fail():
    """The names in the list are the functions' own, so that a test of one is a test of what is used."""
    assert dict(CHECKS)["camera_tilted"] is camera_tilted
