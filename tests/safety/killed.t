#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/safety/killed.t - SIGKILL at any moment of a busy session: nothing is left, and nothing denied is done

A session with its hands full (busy.py) loses its supervisor, front, resolver or
init at a random moment, the set-up included. After a second no process of it
may be alive, no mount be there, and what it was denied may not have happened:
the secret unread, files outside as they were, no connection, no denied program.
The front, where it lives, says so, ends with 125 and gives the terminal back.

KILLED_SEED repeats a run. AGENTSH_LONG: a hundred moments for each user;
KILLED_MOMENTS: so many of each kind
Seconds: 1500
"""
import os
import pty
import random
import select
import signal
import subprocess
import sys
import termios
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE + "/../lib")
from fixture import Fixture
from outside import Session, mounts, until

AGENTSH = os.path.abspath(os.environ.get("AGENTSH", HERE + "/../../build/agentsh"))
LONG = bool(os.environ.get("AGENTSH_LONG"))
SLOW = 8 if os.environ.get("MODE") in ("asan", "tsan") else 1
SEED = os.environ.get("KILLED_SEED", str(random.SystemRandom().randrange(1 << 32)))
MOMENTS = {"supervisor": 100 if LONG else 25, "front": 20 if LONG else 8, "resolver": 20 if LONG else 6,
           "init": 20 if LONG else 6}
if os.environ.get("KILLED_MOMENTS"):
    MOMENTS = dict.fromkeys(MOMENTS, int(os.environ["KILLED_MOMENTS"]))
USERS = ["agentsh-test", "root"] if os.getuid() == 0 else [None]
BUSY = open(HERE + "/busy.py").read()
GONE_SECONDS = 1.0 * SLOW


class Tap:
    count = failed = 0

    def line(self, good, name, notes=()):
        self.count += 1
        self.failed += not good
        print(f"{'' if good else 'not '}ok {self.count} - {name}", flush=True)
        for note in [] if good else notes:
            print("# " + str(note).replace("\n", "\n# "), flush=True)


def start(fix, command, **kw):
    argv = [AGENTSH, "--quiet", "--policy", fix.dir + "/policy.json", "--workspace", fix.names["WS"], "--"] + command
    return subprocess.Popen(argv, env=fix.environment(), cwd=fix.names["WS"], preexec_fn=fix.become,
                            start_new_session=True, **kw)


def read_all(fd, seconds):
    """What is in the pipe, up to its end; None for the end if somebody still holds it open"""
    out, end = b"", time.monotonic() + seconds
    while time.monotonic() < end:
        if select.select([fd], [], [], 0.05)[0]:
            chunk = os.read(fd, 65536)
            if not chunk:
                return out.decode("utf-8", "replace"), True
            out += chunk
    return out.decode("utf-8", "replace"), False


def wrong_outside(fix, out):
    """What was denied and has happened all the same"""
    if "LEAK" in out or fix.token in out:
        yield "inside: " + out[out.find("LEAK"):][:300]
    if open(fix.names["OUTSIDE"] + "/file").read() != "outside\n":
        yield "the file outside was changed"
    if not os.path.exists(fix.names["LOCKED"]):
        yield "the locked file was renamed"
    if fix.visits["DENIED_PORT"] or fix.visits["UNIX"]:
        yield f"denied connections: {fix.visits}"
    if fix.holder.poll() is not None:
        yield "the process outside died"


def one(fix, who, is_up, delay, mounted):
    """Complaints about one kill, and what the session had done till then"""
    p = start(fix, ["python3", "-c", BUSY], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    session, wrong = Session(p.pid), []
    if is_up:
        select.select([p.stdout], [], [], 10 * SLOW)
    time.sleep(delay)
    until(3 * SLOW, lambda: session.part(who) is not None or p.poll() is not None)
    victim = session.part(who)
    if victim is None or not session.kill(victim):
        wrong.append(f"no {who} to kill")
    left = until(GONE_SECONDS, lambda: not session.alive() - {p.pid})
    if not left:
        wrong.append("alive after a second: " + ", ".join(
            f"{x} {open(f'/proc/{x}/stat').read()[:60]}" for x in session.alive() if os.path.exists(f"/proc/{x}/stat")))
    try:
        status = p.wait(3 * SLOW)
        # Init may still tell of the command's end: its first exec found nobody to let it (126), or it was being traced (9)
        if status not in ([-9] if who == "front" else [125, 126, -9]):
            wrong.append(f"status {status}")
    except subprocess.TimeoutExpired:
        wrong.append("the front hangs")
        for x in session.alive():
            session.kill(x)
        p.wait()
    out, ended = read_all(p.stdout.fileno(), 1)
    err, _ = read_all(p.stderr.fileno(), 1)
    if not ended:
        wrong.append("somebody still holds the session's output")
    if who != "front" and "agentsh: " not in err.replace("agentsh: denied:", ""):
        wrong.append("the front says nothing: " + err[-300:])
    if mounts(fix.dir) != mounted:
        wrong.append("mounts differ")
    wrong += wrong_outside(fix, out)
    p.stdout.close()
    p.stderr.close()
    return wrong, out


def moments(tap, user, who, rng):
    fix = Fixture(user, HERE + "/../attack/policy.json.in")
    did, bad, mounted = "", [], mounts(fix.dir)
    try:
        fix.make()
        for i in range(MOMENTS[who]):
            delay = rng.uniform(0, 0.3) * SLOW	# every other one from the command's first word on
            wrong, out = one(fix, who, i % 2 == 0, delay, mounted)
            did += out
            if wrong:
                bad += [f"moment {i}, {delay * 1000:.1f} ms: {w}" for w in wrong]
        tap.line(not bad, f"{who} killed at {MOMENTS[who]} random moments{' as root' if user == 'root' else ''}", bad[:20])
    finally:
        fix.gone()
    return did


def terminal(tap, user):
    """The command has made the terminal raw: it is as before when the supervisor has been killed"""
    fix = Fixture(user, HERE + "/../attack/policy.json.in")
    master, slave = pty.openpty()
    try:
        fix.make()
        os.chown(os.ttyname(slave), fix.user.pw_uid, fix.user.pw_gid)
        before = termios.tcgetattr(slave)

        argv = [AGENTSH, "--quiet", "--policy", fix.dir + "/policy.json", "--workspace", fix.names["WS"], "--",
                "sh", "-c", "stty raw -echo; echo up; exec sleep 100"]

        def child():
            os.setsid()
            import fcntl
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            fix.become()
        # A shell in front, as in life: it is the session's leader and waits
        p = subprocess.Popen(["sh", "-c", '"$@"; echo "status $?"', "sh"] + argv, stdin=slave, stdout=slave, stderr=slave,
                             env=fix.environment(), cwd=fix.names["WS"], preexec_fn=child)
        out = b""
        while b"up" not in out and select.select([master], [], [], 10 * SLOW)[0]:
            out += os.read(master, 1000)
        raw = termios.tcgetattr(slave)
        front = Session(p.pid).part("supervisor")	# one step further down: the shell is above
        Session(front).kill(Session(front).part("supervisor"))
        while b"status" not in out and select.select([master], [], [], 5 * SLOW)[0]:
            out += os.read(master, 1000)
        p.wait()
        tap.line(raw != before and termios.tcgetattr(slave) == before and (b"status 125" in out or b"status 137" in out),
                 "the terminal is given back as it was", [out, raw, termios.tcgetattr(slave), before])
    finally:
        os.close(master)
        os.close(slave)
        fix.gone()


def main():
    tap, rng = Tap(), random.Random(SEED)
    print(f"# KILLED_SEED={SEED}", flush=True)
    for user in USERS:
        did = ""
        for who in MOMENTS:
            if sys.argv[1:] and who not in sys.argv[1:]:
                continue
            did += moments(tap, user, who, rng)
        lacks = [c for c in "pwrcfn" if c not in did]
        tap.line(not lacks, f"and until then they had done what they may "
                 f"({', '.join(f'{c} {did.count(c)}' for c in 'pwrcfn')})", [f"none of {lacks}"])
    terminal(tap, USERS[0])
    print(f"1..{tap.count}")
    sys.exit(1 if tap.failed else 0)


main()
