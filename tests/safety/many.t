#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/safety/many.t - many sessions in a row, many at once, and every way to end one: nothing stays behind

Before and after are compared: processes, mounts, control groups, shared memory,
SysV objects, what lies in the state directory, and the descriptors of a
process that starts sessions. Kept, by design, is a
directory for each session with its log, and nothing else in it.

50 in a row and 10 at once; with AGENTSH_LONG 1,000 and 50.
Seconds: 3600
"""
import os
import pty
import signal
import subprocess
import sys
import termios
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE + "/../lib")
from fixture import Fixture
from outside import Session, everybody, mounts, until

AGENTSH = os.path.abspath(os.environ.get("AGENTSH", HERE + "/../../build/agentsh"))
LONG = bool(os.environ.get("AGENTSH_LONG"))
SLOW = 8 if os.environ.get("MODE") in ("asan", "tsan") else 1
USERS = ["agentsh-test", "root"] if os.getuid() == 0 else [None]
IN_A_ROW, AT_ONCE = (1000, 50) if LONG else (50, 10)
WORK = 'cat plain; echo new >made; "$ATTACK_ALLOWED_TOOL"; cat secret/key; mkdir -p /tmp/a/b; : >/dev/shm/x; (sleep 0.01 &)'


class Tap:
    count = failed = 0

    def line(self, good, name, *notes):
        self.count += 1
        self.failed += not good
        print(f"{'' if good else 'not '}ok {self.count} - {name}", flush=True)
        for note in [] if good else notes:
            print("# " + str(note)[:2000].replace("\n", "\n# "), flush=True)


def lines(path):
    try:
        with open(path) as f:
            return sorted(" ".join(l.split()[:2]) for l in f)
    except OSError:
        return []


def listing(path, deep=False):
    found = []
    for top, dirs, files in os.walk(path):
        found += [os.path.join(top, x) for x in dirs + files]
        if not deep:
            break
    return sorted(found)


class Machine:
    """What a session could leave behind, apart from processes"""

    def __init__(self, fix):
        self.facts = {
            "mounts": mounts(fix.dir), "shared memory": listing("/dev/shm"), "message queues": listing("/dev/mqueue"),
            "control groups": [x for x in listing("/sys/fs/cgroup", True) if "agentsh" in x],
            "SysV": [lines("/proc/sysvipc/" + x) for x in ("shm", "sem", "msg")],
            "run": [x for x in listing("/run", True) if "agentsh" in x],
            "own descriptors": sorted(os.listdir("/proc/self/fd")),
        }

    def more_than(self, before):
        """What is there now and was not; not what others made meanwhile that no session of ours can have made"""
        for key, value in self.facts.items():
            new = [x for x in value if x not in before.facts[key]]
            if new:
                yield f"{key}: {new}"


def agentsh_processes():
    """Processes that run the program under test; it was copied for this test alone"""
    found = set()
    for pid in everybody():
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if os.fsencode(AGENTSH) in f.read().split(b"\0"):
                    found.add(pid)
        except OSError:
            pass
    return found


def start(fix, command, **kw):
    argv = [AGENTSH, "--quiet", "--policy", fix.dir + "/policy.json", "--workspace", fix.names["WS"], "--"] + command
    kw.setdefault("stdout", subprocess.DEVNULL)
    kw.setdefault("stderr", subprocess.DEVNULL)
    before = kw.pop("preexec_fn", fix.become)

    def child():
        signal.signal(signal.SIGINT, signal.SIG_DFL)	# whoever runs the tests in the background ignores it
        before()
    return subprocess.Popen(argv, env=fix.environment(), cwd=fix.names["WS"], stdin=subprocess.DEVNULL, preexec_fn=child, **kw)


def state(fix):
    return fix.dir + "/state/agentsh"


def left_in_state(fix, kept):
    """What is in the state directory beside the logs of @kept sessions"""
    dirs = [x for x in listing(state(fix)) if os.path.isdir(x) and os.path.exists(x + "/audit.jsonl")]
    if len(dirs) != kept:
        yield f"{len(dirs)} sessions are kept, not {kept}"
    for x in dirs:
        if listing(x, True) != [x + "/audit.jsonl"]:
            yield f"in a session's directory: {listing(x, True)}"
    for x in listing(state(fix)):
        if x not in dirs and os.path.basename(x).startswith((".live", "20")):
            yield f"in the state directory: {x}"


def compare(fix, before, others, kept):
    wrong = []
    if until(3 * SLOW, lambda: not agentsh_processes() - others) is not True:
        wrong.append(f"processes: {agentsh_processes() - others}")
    wrong += list(Machine(fix).more_than(before)) + list(left_in_state(fix, kept))
    return wrong


def prepared(user):
    fix = Fixture(user, HERE + "/../attack/policy.json.in")
    fix.make()
    return fix


def ended(p):
    """Its status; it has a time"""
    try:
        return p.wait(30 * SLOW)
    except subprocess.TimeoutExpired:
        for pid in Session(p.pid).alive() | {p.pid}:
            os.kill(pid, signal.SIGKILL)
        p.wait()
        return "hangs"


def in_a_row(tap, user, as_whom):
    fix, others = prepared(user), agentsh_processes()
    try:
        before = Machine(fix)
        bad = [i for i in range(IN_A_ROW) if ended(start(fix, ["sh", "-c", WORK + "; exit 7"])) != 7]
        wrong = compare(fix, before, others, IN_A_ROW)
        tap.line(not bad and not wrong, f"{IN_A_ROW} in a row{as_whom}: nothing is left", f"other statuses: {bad[:10]}", *wrong)
    finally:
        fix.gone()


def at_once(tap, user, as_whom):
    fix, others = prepared(user), agentsh_processes()
    try:
        before = Machine(fix)
        all_ = [start(fix, ["sh", "-c", WORK + "; sleep 1; exit 7"]) for _ in range(AT_ONCE)]
        bad = [ended(p) for p in all_]
        wrong = compare(fix, before, others, AT_ONCE)
        tap.line(set(bad) == {7} and not wrong, f"{AT_ONCE} at once{as_whom}: nothing is left", bad, *wrong)
    finally:
        fix.gone()


def signalled(sig, to_group=False):
    def end(fix, p):
        os.killpg(p.pid, sig) if to_group else p.send_signal(sig)
    return end


def kill_part(name):
    def end(fix, p):
        s = Session(p.pid)
        s.kill(s.part(name))
    return end


ENDS = {
    "SIGTERM": signalled(signal.SIGTERM), "SIGINT to the group": signalled(signal.SIGINT, True), "SIGHUP": signalled(signal.SIGHUP),
    "SIGKILL of the front": kill_part("front"), "SIGKILL of the supervisor": kill_part("supervisor"),
    "SIGKILL of the resolver": kill_part("resolver"), "SIGKILL of init": kill_part("init"),
    "SIGKILL of the whole group": signalled(signal.SIGKILL, True),
}


def ends(tap, user, as_whom):
    """Each way twice; a killed supervisor sweeps nothing, so the next session does it"""
    fix, others = prepared(user), agentsh_processes()
    try:
        before, kept = Machine(fix), 0
        for name, end in ENDS.items():
            statuses = []
            for _ in range(2):
                ready, w = os.pipe()
                p = start(fix, ["sh", "-c", WORK + f"; echo up; exec sleep {1000 + kept}"], stdout=w, start_new_session=True)
                os.close(w)
                heard = b""
                while b"up" not in heard:
                    chunk = os.read(ready, 1000)
                    if not chunk:
                        break
                    heard += chunk
                end(fix, p)
                statuses.append(ended(p))
                os.close(ready)
                kept += 1
            until(3 * SLOW, lambda: not agentsh_processes() - others)
            ended(start(fix, ["true"]))
            kept += 1
            wrong = compare(fix, before, others, kept)
            tap.line(not wrong and "hangs" not in statuses, f"ended by {name}{as_whom}: nothing is left after the next session", statuses, *wrong)
        hangup(tap, fix, before, others, kept, as_whom)
    finally:
        fix.gone()


def hangup(tap, fix, before, others, kept, as_whom):
    """^C at a terminal, and the terminal that goes away"""
    for name, key in (("^C", b"\x03"), ("the terminal's hangup", None)):
        master, slave = pty.openpty()
        os.chown(os.ttyname(slave), fix.user.pw_uid, fix.user.pw_gid)

        def child():
            os.setsid()
            import fcntl
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            fix.become()
        p = start(fix, ["sh", "-c", WORK + "; echo up; exec sleep 1000"], stdout=slave, stderr=slave, preexec_fn=child)
        os.close(slave)
        heard = b""
        while b"up" not in heard:
            heard += os.read(master, 1000)
        if key:
            os.write(master, key)
        else:
            os.close(master)
        status = ended(p)
        if key:
            os.close(master)
        kept += 1
        wrong = compare(fix, before, others, kept)
        tap.line(not wrong and status in (-2, -1), f"ended by {name}{as_whom}: nothing is left", status, *wrong)


def main():
    tap = Tap()
    for user in USERS:
        as_whom = " as root" if user == "root" else ""
        for part in (in_a_row, at_once, ends):
            if not sys.argv[1:] or part.__name__ in sys.argv[1:]:
                began = time.monotonic()
                part(tap, user, as_whom)
                print(f"# {part.__name__}: {time.monotonic() - began:.1f} s", flush=True)
    print(f"1..{tap.count}")
    sys.exit(1 if tap.failed or not tap.count else 0)


main()
