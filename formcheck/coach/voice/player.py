"""Plays a short sound file with what the system itself brings.

Not a library, on evidence: simpleaudio is archived; sounddevice's wheels carry PortAudio for Windows and
macOS only; miniaudio has no wheel for Linux; and all three run inside our process, where a driver that hangs
or crashes takes the session with it. `winsound` (Windows), ``afplay`` (macOS) and ``paplay``, ``pw-play`` or
``aplay`` (Linux; pyttsx3's own speech needs one of them there) come with the system's sound, and all but the
first are processes of their own, with an exit status that says whether anything was played.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

# Without the latency, paplay keeps two seconds in store and ends that much after the sound has.
LINUX_PLAYERS = (["paplay", "--latency-msec=50"], ["pw-play"], ["aplay", "-q"])
PROBE_S = 4.0


class Playing:
    """A sound that has been started."""

    def __init__(self, process: subprocess.Popen[bytes] | None) -> None:
        self._process = process

    @property
    def over(self) -> bool:
        """Whether it has ended (where the system does not tell: always)."""
        return self._process is None or self._process.poll() is not None

    @property
    def failed(self) -> bool:
        """Whether it has ended without being played."""
        return self._process is not None and self._process.poll() not in (None, 0)

    def stop(self) -> None:
        """Cut it off."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


class Player:
    """Starts sounds and does not wait for them.

    Args:
        command: program and options that play the file named after them; None for Windows' own function.
    """

    def __init__(self, command: list[str] | None) -> None:
        self.command = command

    def start(self, file: Path) -> Playing:
        """Start a WAV (on macOS also AIFF) file.

        Raises:
            OSError: the player cannot be started.
        """
        if self.command is None:
            _winsound(file, wait=False)
            return Playing(None)
        return Playing(
            subprocess.Popen(
                [*self.command, str(file)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )

    def play(self, file: Path) -> bool:
        """Play a file to its end; False if it could not be played."""
        try:
            if self.command is None:
                _winsound(file, wait=True)
                return True
            playing = self.start(file)
        except OSError:
            return False
        assert playing._process is not None
        return playing._process.wait() == 0


def find_player(silence: Path, timeout_s: float = PROBE_S) -> tuple[Player | None, str]:
    """A player that works here, tried with a silent file.

    Args:
        silence: a WAV file to try with.
        timeout_s: how long a player may take for it.

    Returns:
        The player and "", or None and one sentence on what is missing.
    """
    if sys.platform == "win32":
        import ctypes

        if ctypes.windll.winmm.waveOutGetNumDevs() == 0:
            return None, "This computer has no loudspeaker or headphones that work: connect some."
        return Player(None), ""
    commands = [["afplay"]] if sys.platform == "darwin" else [list(c) for c in LINUX_PLAYERS]
    there = [c for c in commands if shutil.which(c[0])]
    if not there:
        return None, "There is no program here that plays sounds: install alsa-utils (it brings aplay)."
    for command in there:
        try:
            done = subprocess.run(
                [*command, str(silence)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=timeout_s,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return Player(command), ""
    return None, "No sound can be played here: connect or switch on loudspeakers or headphones."


def _winsound(file: Path, *, wait: bool) -> None:
    import winsound

    module: Any = winsound  # the type checker knows its contents on Windows only
    try:
        module.PlaySound(
            str(file), module.SND_FILENAME | module.SND_NODEFAULT | (0 if wait else module.SND_ASYNC)
        )
    except RuntimeError as error:
        raise OSError(str(error)) from None
