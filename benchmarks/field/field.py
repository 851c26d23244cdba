"""A field of clips: hundreds of rendered people, rooms and cameras with exact truth, and real people.

    python benchmarks/field/field.py COMMAND [--help]

    specs     write the list of clips to render (field.toml says which seeds are work and which final)
    render    render those that are missing; can be broken off and run again
    poses     run the pose stage over every clip once, and keep what it says
    score     judge all of them with the present code: minutes, no video; prints the scorer's tables
    table     the results of `score` as Markdown

Data lies in the folder `$FORMCHECK_FIELD`, else in the user's cache folder; none of it in the repository.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import clip_specs
import judging
import pose_cache
import rendering

ROOT = pose_cache.ROOT
PARTS = ("work", "final", "given")
#: The final part is for the end: looked at more often, it becomes work.
FINAL_AT_MOST = 2


def data_folder() -> Path:
    """Where clips, poses and results lie."""
    if chosen := os.environ.get("FORMCHECK_FIELD"):
        return Path(chosen).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "formcheck-field"


def specs(args: argparse.Namespace) -> None:
    path = args.field / "specs.json"
    written = clip_specs.write_specs(path, args.shared)
    print(f"{path}: {len(written)} clips")


def render(args: argparse.Namespace) -> None:
    path = args.field / "specs.json"
    if not path.exists():
        specs(args)
    clips = args.field / "clips"
    with rendering.alone(clips) as free:
        if not free:
            sys.exit(f"Another process renders into {clips}; wait for it, or stop it.")
        problems = rendering.render_all(
            path, clips, args.shared / "render", args.python, args.processes, args.only
        )
    if problems:
        sys.exit(f"{len(problems)} clips could not be rendered; run it again to try them again.")


def chosen(args: argparse.Namespace, part: str) -> list[pose_cache.Clip]:
    """The clips of a part that are asked for."""
    there = pose_cache.clips_of(part, args.field, args.shared)
    return [clip for clip in there if not args.only or args.only in clip.id]


def poses(args: argparse.Namespace) -> None:
    os.nice(args.nice)
    parts = [args.part] if args.part else PARTS
    every = {clip.id: clip for part in parts for clip in chosen(args, part)}
    clips = list(every.values())
    if taken := pose_cache.take_over(clips, args.field):
        print(f"{taken} clips keep their poses: the pose stage gives the same landmarks as before.")
    waiting = pose_cache.missing(clips, args.field)
    print(f"pose stage {pose_cache.pose_key()}: {len(waiting)} of {len(every)} clips to do", flush=True)
    problems = 0
    for done, clip in enumerate(waiting, 1):
        if pose_cache.fresh_key() != pose_cache.pose_key():
            sys.exit("The pose stage was changed meanwhile; run it again.")
        problem = pose_cache.make_poses(clip, args.field)
        problems += problem is not None
        print(f"{done}/{len(waiting)} {problem or clip.id}", flush=True)
    if problems:
        sys.exit(f"{problems} clips could not be read; run it again to try them again.")


def score(args: argparse.Namespace) -> None:
    clips = chosen(args, args.part)
    found = {clip.id: pose_cache.poses_of(clip, args.field) for clip in clips}
    ready = [clip for clip in clips if found[clip.id] is not None]
    stale = sum(not f[1] for f in found.values() if f is not None)
    if not ready:
        sys.exit("No clip of this part has poses yet: run `poses` first.")
    if args.part == "final":
        if stale or len(ready) < len(clips):
            sys.exit("Some final clips have no poses of the present pose stage: run `poses` first.")
        before = judging.times_scored(args.field)
        if len(before) >= FINAL_AT_MOST and not args.again:
            sys.exit("\n".join(["The final part has been scored as often as it may be:", *before]))
        judging.count_final(args.field, len(ready))
    printed, _ = judging.score(ready, args.part, args.field, args.shared, args.processes)
    print(printed)
    print(f"{len(ready)} of {len(clips)} clips of the {args.part} part have poses.")
    if stale:
        print(f"{stale} of them are of an earlier pose stage; `poses` makes them anew.")
    times = judging.times_scored(args.field)
    print(f"The final part has been scored {len(times)} times (at most {FINAL_AT_MOST}).")


def table(args: argparse.Namespace) -> None:
    there = {part: judging.folder_of(part, args.field) / "totals.json" for part in PARTS}
    results = {part: json.loads(path.read_text()) for part, path in there.items() if path.exists()}
    if not results:
        sys.exit("Nothing has been scored yet: run `score` first.")
    print(judging.tables(results))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(run: Callable[[argparse.Namespace], None], help: str) -> argparse.ArgumentParser:
        one = commands.add_parser(run.__name__, help=help, description=help)
        one.set_defaults(run=run)
        one.add_argument("--field", type=Path, default=data_folder(), help="data folder (%(default)s)")
        one.add_argument(
            "--shared", type=Path, default=ROOT.parent / "shared", help="generator, scorer, clips"
        )
        return one

    command(specs, "Write the list of clips to render.")
    one = command(render, "Render the clips that are missing. Ctrl-C loses only those under way.")
    one.add_argument("--only", metavar="TEXT", help="clips whose name contains this")
    one.add_argument("--processes", type=int, default=os.cpu_count(), help="so many at a time (%(default)s)")
    one.add_argument(
        "--python",
        default=os.environ.get("FORMCHECK_RENDER_PYTHON", sys.executable),
        help="one with numpy, scipy, pillow, moderngl, opencv-python-headless and imageio-ffmpeg "
        "(or $FORMCHECK_RENDER_PYTHON)",
    )
    one = command(poses, "Run the pose stage over the clips that have no poses of the present one.")
    one.add_argument("--part", choices=PARTS, help="by default all")
    one.add_argument("--only", metavar="TEXT", help="clips whose name contains this")
    one.add_argument("--nice", type=int, default=10, help="how far to stand back for others (%(default)s)")
    one = command(score, "Judge the clips that have poses with the present code, and score them.")
    one.add_argument("--part", choices=PARTS, default="work", help="by default work")
    one.add_argument("--only", metavar="TEXT", help="clips whose name contains this")
    one.add_argument("--processes", type=int, default=2, help="so many at a time (%(default)s)")
    one.add_argument("--again", action="store_true", help="score the final part more often than it should be")
    command(table, "Print the results as Markdown tables.")
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
