"""The loop of most public exercise counters: OpenCV reads, `mediapipe.solutions.pose` estimates, no more.

    PYTHON_WITH_MEDIAPIPE_0_10_21 benchmarks/solutions_loop.py VIDEO

Prints frames and seconds as JSON; loading is not counted. It runs in a Python of its own because newer
MediaPipe no longer has ``solutions``. `speed.py --solutions` calls it.
"""

from __future__ import annotations

import json
import sys
import time


def main() -> None:
    import cv2
    import mediapipe as mp

    pose = mp.solutions.pose.Pose(model_complexity=1)  # "full", tracking and smoothing as by default
    video = cv2.VideoCapture(sys.argv[1])
    frames = 0
    begun = time.perf_counter()
    while True:
        there, image = video.read()
        if not there:
            break
        pose.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        frames += 1
    print(json.dumps({"frames": frames, "seconds": time.perf_counter() - begun}))


if __name__ == "__main__":
    main()
