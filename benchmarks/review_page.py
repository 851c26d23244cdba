"""How long the review page takes: a list of many sessions, and one session of an hour.

    python benchmarks/review_page.py --sessions 1000 --minutes 60

The many are one synthetic session under many names; the long one is of synthetic bridges, 25 frames a second.
With Chromium at hand the page itself is timed too, from the click to the last thing drawn.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))

from asking import Page  # noqa: E402
from made import analysed, bridges  # noqa: E402
from serving import serving  # noqa: E402

_REPETITION_S = 5.3
_PATIENCE_MS = 300_000
_LINES_READ = "() => [...document.querySelectorAll('.lane .value')].every((v) => v.textContent !== '…')"


def main() -> None:
    """Makes the sessions, and times them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--no-browser", action="store_true", help="ask the server only")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="formcheck-bench-", dir="/var/tmp") as place:
        many, long = Path(place) / "many", Path(place) / "long"
        first = analysed(many / "0000")
        for number in range(1, asked.sessions):
            folder = many / f"{number:04d}"
            folder.mkdir()
            os.link(first / "session.sqlite", folder / "session.sqlite")
        hour = bridges(max(2, round(asked.minutes * 60 / _REPETITION_S)))
        analysed(long / "long", hour)
        print(f"long session: {len(hour.track)} frames, {len(hour.summary.reps)} repetitions", flush=True)
        _listed(many, asked.sessions)
        _opened(long)
        if not asked.no_browser:
            _drawn(many, long)


def _listed(root: Path, count: int) -> None:
    page = Page(root)
    first, *later = [_took(lambda: page.get("/api/library")) for _ in range(6)]
    print(f"{count} sessions, asked of the server the first time: {_told(first)}", flush=True)
    print(f"  once they are known: {_told(min(later))}", flush=True)


def _opened(root: Path) -> None:
    page = Page(root)
    key = page.get("/api/library").json()["sessions"][0]["key"]
    path = f"/api/session/{key}"
    parts = {
        "description": path,
        "times": f"{path}/times",
        "first landmarks": f"{path}/landmarks?first=0&count=512",
        "first time line": f"{path}/line/pelvic_height",
        "worst moments": f"{path}/moments",
    }
    for name, address in parts.items():
        print(f"  {name}: {_told(_took(lambda address=address: page.get(address)))}", flush=True)


def _took(work: Any) -> tuple[float, float]:
    """Processor seconds, which a busy machine does not lengthen, and seconds by the clock."""
    begun, used = time.perf_counter(), time.process_time()
    work()
    return time.process_time() - used, time.perf_counter() - begun


def _told(took: tuple[float, float]) -> str:
    return f"{took[0]:.2f} s of a processor, {took[1]:.2f} s by the clock"


def _drawn(many: Path, long: Path) -> None:
    try:
        from in_browser import CHROMIUM, FLAGS, sync_api
    except Exception as error:  # no playwright: pytest's skip
        print(f"no browser: {error}")
        return
    if CHROMIUM is None:
        print("no browser")
        return
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with serving(many) as link:
            page = _Watched(browser.new_page(), link)
            for _ in range(2):
                page.page.click("nav a >> nth=-1")
                page.page.wait_for_selector("h1 >> text=Agreement", timeout=_PATIENCE_MS)
                page.begin()
                page.page.click("nav a >> nth=0")
                page.page.wait_for_selector(".session", timeout=_PATIENCE_MS)
                print(f"list, drawn by the browser: {page.took()}", flush=True)
        with serving(long) as link:
            page = _Watched(browser.new_page(), link)
            for _ in range(2):
                page.begin()
                page.page.click(".session a")
                page.page.wait_for_selector(".controls .time b", timeout=_PATIENCE_MS)
                page.page.wait_for_selector(".rep", timeout=_PATIENCE_MS)
                print(f"long session, drawn by the browser: {page.took()}", flush=True)
                lines = (
                    "() => [...document.querySelectorAll('.lane .value')].every((v) => v.textContent !== '…')"
                )
                page.page.wait_for_function(lines, timeout=_PATIENCE_MS)
                print(f"  with its time lines: {page.took()}", flush=True)
                page.begin()
                for key in "++++----":
                    page.page.keyboard.press(key)
                print(f"  eight times narrower or wider: {page.took()}", flush=True)
                page.page.click("nav a >> nth=0")
                page.page.wait_for_selector(".session", timeout=_PATIENCE_MS)
        browser.close()


class _Watched:
    """A page with a list of sessions, and what its main thread costs."""

    def __init__(self, page: Any, link: str) -> None:
        self.page = page
        page.goto(link)
        page.wait_for_selector(".session", timeout=_PATIENCE_MS)
        self._asked = page.context.new_cdp_session(page)
        self._asked.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})
        self._asked.send("Performance.enable")
        self.begin()

    def begin(self) -> None:
        """What comes now is counted."""
        self._used, self._begun = self._busy(), time.perf_counter()

    def took(self) -> str:
        """Since then."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        return _told((self._busy() - self._used, time.perf_counter() - self._begun))

    def _busy(self) -> float:
        """Processor seconds of its script, style and layout; painting is on other threads."""
        told = {
            one["name"]: float(one["value"]) for one in self._asked.send("Performance.getMetrics")["metrics"]
        }
        return sum(told[name] for name in ("ScriptDuration", "RecalcStyleDuration", "LayoutDuration"))


if __name__ == "__main__":
    main()
