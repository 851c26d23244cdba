"""Make the pictures of the guides again, from the program as it is.

    python docs/make_pictures.py [live] [programme] [app] [terminal] [review] [report]

Without a word all of them are made. Only the demo clips in videos/ are to be seen in them. Needs Linux with
Xvfb, openbox, xdotool, Chromium, pdftoppm (apt-get install xvfb openbox xdotool chromium poppler-utils) and
formcheck[test] for the browser. The live part takes seven minutes, because it is a real session in real time.
Look at the pictures before committing them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image, ImageGrab
from playwright.sync_api import sync_playwright

from formcheck.coach.pages.draw import draw_page
from formcheck.coach.pages.sample_pages import sample_pages
from formcheck.video.file import VideoFile
from formcheck.video.writer import VideoWriter

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
FORMCHECK = [sys.executable, "-m", "formcheck"]
SIZE = (1366, 768)
BRIDGE = ROOT / "videos" / "bridge_side.mp4"
CLAM = ROOT / "videos" / "clam_front.mp4"

sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "review")]


def keep(picture: Image.Image, name: str, width: int | None = None) -> None:
    """Write a picture as JPEG, no wider than asked for."""
    picture = picture.convert("RGB")
    if width is not None and picture.width > width:
        picture = picture.resize((width, round(picture.height * width / picture.width)), Image.LANCZOS)
    file = PICTURES / f"{name}.jpg"
    for quality in (88, 80, 70, 60):
        picture.save(file, quality=quality, optimize=True, progressive=True)
        if file.stat().st_size < 150_000:
            break
    print(f"{file.relative_to(ROOT)}  {picture.width}x{picture.height}  {file.stat().st_size // 1000} kB")


def wait_for(what: Callable[[], Any], seconds: float = 180.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise SystemExit("Waited in vain: the picture that comes next cannot be taken.")
        time.sleep(0.05)


# --- the live pages -------------------------------------------------------------------------------------


@contextmanager
def screen() -> Iterator[str]:
    """A virtual screen with a window manager on it."""
    read, write = os.pipe()
    size = f"{SIZE[0]}x{SIZE[1]}x24"
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", size, "-nolisten", "tcp", "-noreset"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as told:
        display = f":{told.readline().strip()}"
    manager = subprocess.Popen(["openbox"], env={**os.environ, "DISPLAY": display}, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    try:
        yield display
    finally:
        for process in (manager, server):
            process.terminate()
            process.wait()


def as_camera(clip: Path, seconds: float, to: Path) -> None:
    """A clip again and again, each time after some seconds of lying still (its start to and fro)."""
    with VideoFile(clip) as video:
        frames = [frame.image for frame in video]
        fps, size = video.fps, (video.width, video.height)
    still = frames[: int(0.9 * fps)]
    order = (still + still[::-1]) * 2 + frames
    order *= 1 + int(seconds * fps) // len(order)
    with VideoWriter(to, *size, fps=fps) as out:
        for i, image in enumerate(order):
            out.write(image, i / fps)


class Patient:
    """Somebody at the keys of one live session."""

    def __init__(self, display: str, folder: Path, *arguments: str) -> None:
        self._env = {**os.environ, "DISPLAY": display, "PYTHONPATH": str(ROOT)}
        self._log = folder / f"speech{time.monotonic_ns()}.jsonl"
        self._display = display
        more = ["--mute", "--speech-log", str(self._log), "--out", str(folder / "sessions")]
        self._process = subprocess.Popen([*FORMCHECK, "live", *arguments, *more], env=self._env, cwd=ROOT)
        wait_for(self._log.exists)
        time.sleep(3)

    def heard(self) -> list[str]:
        """Keys of everything said so far."""
        lines = self._log.read_text(encoding="utf-8").splitlines()
        return [entry["key"] for entry in map(json.loads, lines) if "key" in entry]

    def when(self, *keys: str, times: int = 1, after: float = 0.0) -> None:
        """Wait until one of these sentences has been said so often, and a little longer."""
        wait_for(lambda: sum(said.startswith(keys) for said in self.heard()) >= times)
        time.sleep(after)

    def press(self, key: str, wait_s: float = 1.0) -> None:
        subprocess.run(["xdotool", "key", key], env=self._env, check=True)
        time.sleep(wait_s)

    def shot(self, name: str) -> None:
        keep(ImageGrab.grab(xdisplay=self._display), f"live_{name}")

    def burst(self, key: str, name: str) -> None:
        """Look on until this has been said; keep the last picture but one from before."""
        pictures = []
        while key not in self.heard():
            pictures.append(ImageGrab.grab(xdisplay=self._display))
            time.sleep(0.2)
        keep(pictures[-2], f"live_{name}")

    def ends(self) -> None:
        if self._process.wait(60):
            raise SystemExit("formcheck live failed")


def live(work: Path) -> None:
    """Two sessions: one to its end with everything shown, one that hurts; and one without a camera."""
    clip = work / "camera.mp4"
    as_camera(BRIDGE, 240, clip)
    with screen() as display:
        you = Patient(display, work, "--source", str(clip), "--sets", "2", "--reps", "3", "--patient", "P-07")
        you.shot("01_choose")
        you.press("2")
        you.shot("02_consent")
        you.press("1")
        you.shot("03_pain")
        you.press("2", wait_s=0.3)  # of keys that come faster the window sees the last one
        you.press("Return", wait_s=0.0)  # how it is done need not be told
        you.burst("page.setup.ready", "06_still")
        you.when("voice.count", times=2, after=1.0)
        you.shot("07_practice")
        you.when("voice.count", times=4, after=2.0)
        you.shot("08_set")
        you.press("space")
        time.sleep(0.5)
        you.shot("09_paused")
        you.press("space")
        you.when("page.pain.question_after")
        time.sleep(0.5)
        you.press("2")
        you.shot("10_effort")
        you.press("4")
        time.sleep(2)
        you.shot("11_rest")
        you.press("1")
        you.when("page.pain.question_after", times=2, after=0.5)
        you.press("2")
        you.press("4")
        time.sleep(0.5)
        you.shot("12_summary")
        you.press("1")
        you.ends()

        you = Patient(display, work, "bridge", "--source", str(clip), "--patient", "P-07")
        you.press("2")
        you.shot("04_settled")
        you.press("1")
        you.press("3")
        you.when("page.practice.line", after=2.0)
        you.press("p")
        you.shot("13_pain_stop")
        you.press("1")
        you.ends()

        # She lies on her back: what a patient sees who has not understood the position yet.
        you = Patient(display, work, "clam", "--source", str(BRIDGE))
        you.press("3")
        you.press("0")
        you.press("Return")
        you.when("setup.not_lying", "setup.not_in_position", after=8.0)
        you.shot("05_setup")
        you.press("s")
        you.press("1")
        you.ends()

        you = Patient(display, work, "clam", "--camera", "9")
        you.press("3")
        you.press("0")
        time.sleep(4)
        you.shot("14_no_camera")
        you.press("Escape")
        you.ends()


# --- the terminal ---------------------------------------------------------------------------------------


def terminal(work: Path) -> None:
    """What `formcheck doctor` says, here without a camera or loudspeaker, and set as a terminal shows it."""
    with screen() as display:
        env = {**os.environ, "DISPLAY": display, "PYTHONPATH": str(ROOT), "COLUMNS": "96"}
        done = subprocess.run(
            [*FORMCHECK, "doctor"], env=env, cwd=ROOT, capture_output=True, text=True, encoding="utf-8"
        )
    html = f"""<!doctype html><meta charset=utf-8><body style="margin:0;background:#16181d">
    <pre style="color:#e8e8e8;font:16px/1.45 'DejaVu Sans Mono',monospace;padding:18px;margin:0">
<b>$ formcheck doctor</b>
{escape(done.stdout.replace(str(Path.home()), "/home/alex"))}</pre>"""
    page = work / "doctor.html"
    page.write_text(html, encoding="utf-8")
    with browser() as chromium:
        tab = chromium.new_page(viewport={"width": 980, "height": 300})
        tab.goto(page.as_uri())
        shot(tab, "doctor", full_page=True)


# --- the review page ------------------------------------------------------------------------------------


@contextmanager
def browser() -> Iterator[Any]:
    with sync_playwright() as playwright:
        chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
        running = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
        )
        yield running
        running.close()


def shot(tab: Any, name: str, *, width: int | None = None, full_page: bool = False) -> None:
    file = PICTURES / f"{name}.png"
    tab.screenshot(path=file, full_page=full_page)
    with Image.open(file) as picture:
        keep(picture, name, width)
    file.unlink()


def sessions(work: Path) -> Path:
    """A physio's folder: recordings of two exercises, and five sessions of one patient over two weeks.

    The sessions are the frames of the analysed demo clip with a diary made up around them.
    """
    from made import as_live

    folder = work / "physio"
    for clip, exercise in ((BRIDGE, "bridge"), (CLAM, "clam")):
        done = folder / f"{exercise}_recording"
        subprocess.run(
            [*FORMCHECK, "analyze", str(clip), "-e", exercise, "--out", str(done)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=True,
        )
    diary = (("09", (4, 4), 6), ("11", (4, 5), 6), ("13", (3, 3), 5), ("16", (3, 3), 4), ("18", (2, 2), 4))
    for day, pain, effort in diary:
        new = as_live(
            folder / "bridge_recording", folder / f"2026-11-{day}_bridge", patient="P-07", asked=(2, 2),
            started=f"2026-11-{day}T09:30:00+01:00", pain=pain, effort=effort,
        )  # fmt: skip
        shutil.copy(BRIDGE, new / "video.mp4")
    shutil.copy(CLAM, folder / "clam_recording" / "video.mp4")
    return folder


def review(work: Path) -> None:
    """The review page: library, session, decision, what if, progress, programme."""
    folder = sessions(work)
    server = subprocess.Popen(
        [*FORMCHECK, "review", str(folder), "--no-browser"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        found = re.search(r"http://\S+", server.stdout.readline())
        assert found is not None
        with browser() as chromium:
            tab = chromium.new_page(viewport={"width": 1280, "height": 820})
            tab.goto(found[0])
            tab.wait_for_selector(".session")
            shot(tab, "review_1_sessions")
            tab.locator(".session a", has_text="clam").first.click()
            tab.wait_for_selector(".fault-row")
            tab.locator(".fault-row .go", has_text="Feet come apart").first.click()
            tab.wait_for_timeout(2500)
            shot(tab, "review_2_session")
            tab.locator(".fault.open .decide .yes").click()
            tab.wait_for_timeout(800)
            shot(tab, "review_3_decision")
            tab.click("[data-tab=whatif]")
            tab.wait_for_selector(".whatif .one")
            one = tab.locator(".whatif .one", has_text="Feet come apart").locator("input[type=number]")
            for i, value in enumerate(("0.4", "0.5", "0.6")):
                one.nth(i).fill(value)
            tab.wait_for_timeout(2500)
            shot(tab, "review_4_what_if")
            tab.click("nav >> text=Sessions")
            tab.wait_for_selector(".session")
            tab.click("text=Progress over time")
            tab.wait_for_selector(".chart")
            tab.wait_for_timeout(800)
            shot(tab, "review_5_patient", full_page=True)
            tab.click("nav >> text=Programmes")
            tab.set_input_files("#file", ROOT / "docs" / "examples" / "hips.formcheck")
            tab.wait_for_selector(".ladder li")
            tab.set_viewport_size({"width": 1280, "height": 1150})
            tab.wait_for_timeout(5000)  # until what it says of the file's remarks is gone
            shot(tab, "review_6_programme")
    finally:
        server.terminate()
        server.wait()


# --- reports --------------------------------------------------------------------------------------------


def report(work: Path) -> None:
    """The report as a page and as a PDF, and a frame of the annotated video."""
    done = work / "clam.formcheck"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([*FORMCHECK, "analyze", str(CLAM), "-e", "clam", "--out", str(done)], env=env, check=True)
    with VideoFile(done / "annotated.mp4") as video:
        frames = [frame for frame in video if frame.time_s < 7.8]
    keep(Image.fromarray(frames[-1].image[..., ::-1]), "annotated")
    with browser() as chromium:
        tab = chromium.new_page(viewport={"width": 1000, "height": 1300})
        tab.goto((done / "report.html").as_uri())
        tab.wait_for_timeout(2500)
        shot(tab, "report", width=900)
    subprocess.run([*FORMCHECK, "export", str(done), "--to", "pdf"], env=env, check=True)
    first = ["pdftoppm", "-r", "80", "-f", "1", "-l", "1", "-png", "-singlefile"]
    subprocess.run([*first, str(done / "export.pdf"), str(work / "page")], check=True)
    with Image.open(work / "page.png") as page:
        keep(page, "report_pdf")


def programme(work: Path) -> None:
    """The pages of a programme's day, with the values of the samples."""
    pages = sample_pages()
    for number, name in enumerate(("today", "agreed", "next", "day_summary"), start=1):
        drawn = draw_page(pages[name], None, SIZE)
        keep(Image.fromarray(drawn.image[..., ::-1]), f"play_{number}_{name.removeprefix('day_')}", 1000)


def app(work: Path) -> None:
    """The app: today half done, and progress over a month, of a diary made up for it."""
    import threading

    os.environ["FORMCHECK_DATA"] = str(work / "data")
    from formcheck.app.api import AppApi, bring
    from formcheck.exercises.programme import load_programme
    from formcheck.review.server import serve_here
    from formcheck.session.days import DayBook

    file = ROOT / "docs" / "examples" / "hips.formcheck"
    bring(file.read_text(encoding="utf-8"), file.name)
    diary = app_diary(load_programme(file))
    for day in diary:
        DayBook(load_programme(file)).keep(day)
    api = AppApi(today=lambda: diary[-1].date)
    told: dict[str, Any] = {}
    threading.Thread(
        target=serve_here, args=(api.app(), 0, lambda a, s: told.update(address=a, server=s)), daemon=True
    ).start()
    wait_for(lambda: "server" in told)
    with browser() as chromium:
        tab = chromium.new_page(viewport={"width": 1280, "height": 820})
        tab.goto(told["address"])
        tab.wait_for_selector(".rows")
        tab.wait_for_timeout(1500)
        shot(tab, "app_1_today", width=1000)
        tab.click("nav >> text=My progress")
        tab.wait_for_selector("table")
        tab.set_viewport_size({"width": 1280, "height": 1080})
        shot(tab, "app_2_progress", width=1000)
    told["server"].should_exit = True


def app_diary(programme: Any) -> list[Any]:
    """Days of a month, the last one half done: full repetitions, pain before and after, effort."""
    from datetime import date

    from formcheck.session.days import Day, PartDone, SetDone

    month = ((2, 8, 3, 4, 5), (4, 9, 3, 3, 4), (9, 10, 2, 3, 4), (11, 10, 2, 2, 3), (16, 10, 2, 1, 3),
             (18, 10, 1, 1, 3), (23, 10, 1, 0, 2), (25, 10, 1, None, None))  # fmt: skip
    out = []
    for day, reps, before, after, effort in month:
        whole = after is not None
        sets = (SetDone(counted=reps, full=reps),) * 2
        parts = [
            PartDone(exercise=e.exercise, side=side, mark=e.mark, asked_sets=2, asked_reps=10,
                     sets=sets if whole or side == "left" else ())
            for e in programme.exercises[:2] for side in (e.sides or (None,))
        ]  # fmt: skip
        on = date(2026, 11, day)
        out.append(
            Day(date=on, started=f"{on}T09:30:00+01:00", kept="numbers", pain_before=before, pain_after=after,
                effort=effort, complete=whole, parts=tuple(parts))
        )  # fmt: skip
    return out


PARTS = {part.__name__: part for part in (live, programme, app, terminal, review, report)}

if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[1:] or PARTS:
            PARTS[name](Path(folder))
