"""Nothing leaves the computer: all commands under tracers that see every attempt to reach somebody.

Three nets: a Linux network namespace in which only loopback exists, so that what needs a network fails;
`strace`, which sees the system calls of C code (the pose engines') as well; and an audit hook in every Python
process, for machines without strace. Loopback (the review page, Dask's own cluster) and sockets in the file
system are allowed; so is netlink, by which a program asks the kernel which addresses the computer has.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
STRACE = shutil.which("strace")
_CALL = re.compile(r"\b(connect|bind|sendto|sendmsg|sendmmsg)\(")
_FAMILY = re.compile(r"sa_family=AF_(\w+)")
_IPV4 = re.compile(r'inet_addr\("([^"]*)"\)')
_IPV6 = re.compile(r'inet_pton\(AF_INET6, "([^"]*)"')
_WITHIN = {"UNIX", "LOCAL", "NETLINK", "UNSPEC"}
_HERE = re.compile(r"'(127(\.\d+){3}|::1|localhost)'")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux to see what programs ask of it")


def outside_calls(trace: str) -> list[str]:
    """Lines of strace's output that reach for anything but this computer."""
    out = []
    for line in trace.splitlines():
        if not _CALL.search(line):
            continue
        families = set(_FAMILY.findall(line)) - _WITHIN
        addresses = _IPV4.findall(line) + _IPV6.findall(line)
        here = all(a.startswith("127.") or a in ("::1", "::ffff:127.0.0.1") for a in addresses)
        if families - {"INET", "INET6"} or (families and not addresses) or not here:
            out.append(line)
    return out


def outside_events(audit: str) -> list[str]:
    """Lines of the audit hook that reach for anything but this computer."""
    out = []
    for line in audit.splitlines():
        event, _, what = line.partition(" ")
        path = re.fullmatch(r"b?'(/.*|\\x00.*|)'", what)  # a socket in the file system, or an abstract one
        netlink = re.fullmatch(r"\(\d+, \d+\)", what)
        if not (_HERE.search(what) or path or netlink or (event == "socket.getaddrinfo" and what == "None")):
            out.append(line)
    return out


@lru_cache(maxsize=1)
def namespace() -> tuple[str, ...]:
    """Words before a command that leave it only loopback; none where the system does not allow that."""
    for flags in ("-rn", "-n"):
        words = ("unshare", flags, "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
        try:
            if subprocess.run([*words, "true"], capture_output=True).returncode == 0:
                return words
        except OSError:
            break
    return ()


def watched(
    command: list[str], folder: Path, *, strace: bool = True, **env: str
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Runs a command under all nets there are; its result, and all attempts to reach elsewhere."""
    folder.mkdir(exist_ok=True)
    trace, audit = folder / "trace", folder / "audit"
    words = list(namespace())
    if strace and STRACE:
        only = ["-e", "trace=network", "-e", "signal=none"]
        words += [STRACE, "-f", "-qq", "--seccomp-bpf", *only, "-o", str(trace)]
    path = os.pathsep.join([str(TESTS / "audit"), str(TESTS.parent)])
    home = folder / "home"
    home.mkdir()
    own = {
        **os.environ,
        "PYTHONPATH": path,
        "FORMCHECK_AUDIT": str(audit),
        "FORMCHECK_DATA": str(folder / "data"),
        "HOME": str(home),  # what libraries keep there, to be sent later, is looked at
        "TMPDIR": str(home),
    }
    own.pop("ORT_DISABLE_TELEMETRY", None)  # set in this process by formcheck itself
    done = subprocess.run([*words, *command], capture_output=True, text=True, env=own | env, timeout=900)
    found = outside_calls(trace.read_text(errors="replace")) if strace and STRACE else []
    return done, found + outside_events(audit.read_text())


@pytest.mark.slow
def test_no_command_reaches_for_anything_but_this_computer(tmp_path):
    if not STRACE and not namespace():
        pytest.skip("needs strace, or a Linux that lets its network be switched off (unshare)")
    done, found = watched(
        [sys.executable, str(TESTS / "everything.py"), str(tmp_path / "all")], tmp_path / "log"
    )
    assert done.returncode == 0, done.stderr
    assert "all done" in done.stdout
    assert found == []
    kept = {path.name for path in (tmp_path / "log" / "home").rglob("*")}
    assert not kept & {".onnxruntime", "deviceid", ".ses"}  # of an uploader that waits for a network
    # The nets were there: the review page was asked for through them.
    assert "socket.connect ('127.0.0.1'" in (tmp_path / "log" / "audit").read_text()
    if STRACE:
        assert 'inet_addr("127.0.0.1")' in (tmp_path / "log" / "trace").read_text()
    print("strace" if STRACE else "no strace", "namespace" if namespace() else "no namespace", done.stdout)


#: 192.0.2.0/24 and 2001:db8::/32 belong to nobody.
LEAKS = {
    "python": "import socket; socket.socket().connect_ex(('192.0.2.1', 80))",
    "python, UDP": "import socket; socket.socket(type=socket.SOCK_DGRAM).connect_ex(('192.0.2.1', 53))",
    "a child": (
        "import subprocess, sys; subprocess.run([sys.executable, '-c', "
        "'import socket; socket.socket().connect_ex((\"192.0.2.1\", 80))'])"
    ),
    "IPv6": "import socket; socket.socket(socket.AF_INET6).connect_ex(('2001:db8::1', 80))",
    "listens to everybody": "import socket; socket.socket().bind(('0.0.0.0', 0))",
    "a name": "import socket\ntry: socket.getaddrinfo('example.invalid', 80)\nexcept OSError: pass",
}
#: connect() called as C code does, which no audit hook sees.
C_CODE = """
import ctypes, socket, struct
address = struct.pack("=HH4s8x", socket.AF_INET, socket.htons(80), socket.inet_aton("192.0.2.1"))
with socket.socket() as s:
    s.setblocking(False)
    ctypes.CDLL(None).connect(s.fileno(), address, len(address))
"""


@pytest.mark.parametrize("how", ["strace", "audit hook"])
@pytest.mark.parametrize("leak", list(LEAKS))
def test_a_leak_is_noticed(leak, how, tmp_path):
    if how == "strace" and not STRACE:
        pytest.skip("needs strace")
    done, found = watched([sys.executable, "-c", LEAKS[leak]], tmp_path / "log", strace=how == "strace")
    assert done.returncode == 0, done.stderr
    if how == "strace" and leak != "a name":  # without a network nobody can be asked about a name
        assert outside_calls((tmp_path / "log" / "trace").read_text())
    assert found


@pytest.mark.skipif(not STRACE, reason="needs strace")
def test_a_leak_of_c_code_is_noticed(tmp_path):
    done, found = watched([sys.executable, "-c", C_CODE], tmp_path / "log")
    assert done.returncode == 0, done.stderr
    assert len(found) == 1
    assert "192.0.2.1" in found[0]


def test_where_the_network_is_switched_off_nothing_can_be_reached():
    if not namespace():
        pytest.skip("needs a Linux that lets its network be switched off (unshare)")
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)"
    done = subprocess.run([*namespace(), sys.executable, "-c", code], capture_output=True, text=True)
    assert "unreachable" in done.stderr


ALONE = """
import sys, time
from pathlib import Path
from formcheck.pose.{module} import ort
import formcheck
models = Path(formcheck.__file__).parents[1] / "models"
ort.InferenceSession(str(models / "pose_landmark_lite.onnx"), providers=["CPUExecutionProvider"])
time.sleep(1)
"""


def test_onnxruntime_neither_sends_nor_keeps_an_identifier(tmp_path):
    """Its official builds do both, unless they are told before they are loaded."""
    done, found = watched([sys.executable, "-c", ALONE.format(module="blazepose")], tmp_path / "log")
    assert done.returncode == 0, done.stderr
    assert found == []
    assert list((tmp_path / "log" / "home").rglob("*")) == []


def test_onnxruntime_is_imported_in_one_place_only():
    package = TESTS.parent / "formcheck"
    importing = [
        f
        for f in package.rglob("*.py")
        if re.search(r"^\s*(import|from) onnxruntime", f.read_text("utf-8"), re.M)
    ]
    assert [file.name for file in importing] == ["runtime.py"]
