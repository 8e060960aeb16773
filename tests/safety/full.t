#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/safety/full.t - no room on the disk, no descriptors, no memory, no processes: refused, said, nothing lost

A session does one round of allowed and denied work at a time (busy.py, step by
step). Something is taken from its supervisor between two rounds and given back:
meanwhile nothing denied is done and what cannot be recorded is refused, each
round ends, and afterwards all is as before and the log is whole.
Seconds: 900
"""
import os
import resource
import select
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE + "/../lib")
from fixture import Fixture
from outside import Session, until

AGENTSH = os.path.abspath(os.environ.get("AGENTSH", HERE + "/../../build/agentsh"))
SANITIZED = os.environ.get("MODE") in ("asan", "tsan")
SLOW = 8 if SANITIZED else 1
USERS = ["agentsh-test", "root"] if os.getuid() == 0 else [None]
BUSY = open(HERE + "/busy.py").read()
ALL = "cfnprw"
ROUND_SECONDS = 30 * SLOW


class Tap:
    count = failed = 0

    def line(self, good, name, *notes):
        self.count += 1
        self.failed += not good
        print(f"{'' if good else 'not '}ok {self.count} - {name}", flush=True)
        for note in [] if good else notes:
            print("# " + str(note).replace("\n", "\n# "), flush=True)

    def skip(self, name, why):
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {why}", flush=True)


class Steps:
    """A session that works when told to"""

    def __init__(self, user, small=None):
        self.fix = Fixture(user, HERE + "/../attack/policy.json.in")
        self.small = None
        if small:
            self.mount(small)
        self.fix.make()
        self.command, self.heard = ["python3", "-c", BUSY], ""

    def mount(self, small):
        """A small file system of its own for one of the fixture's directories"""
        self.small = self.fix.dir + "/" + small[0]
        os.mkdir(self.small)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode=755,{small[1]}", "full", self.small], check=True)
        os.chown(self.small, self.fix.user.pw_uid, self.fix.user.pw_gid)

    def start(self, prepare=None):
        def child():
            self.fix.become()
            if prepare:
                prepare()
        argv = [AGENTSH, "--policy", self.fix.dir + "/policy.json", "--workspace", self.fix.names["WS"], "--"]
        self.p = subprocess.Popen(argv + self.command, env=dict(self.fix.environment(), BUSY_STEPS="1"),
                                  cwd=self.fix.names["WS"], preexec_fn=child, start_new_session=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=open(self.fix.dir + "/err", "wb"))
        self.session = Session(self.p.pid)

    def round(self):
        """The letters of what was done; "hangs" or "ended" """
        try:
            os.write(self.p.stdin.fileno(), b"\n")
        except BrokenPipeError:
            return "ended"
        out, end = b"", time.monotonic() + ROUND_SECONDS
        while not out.endswith(b"\n") or out.endswith(b"LEAK\n"):
            if not select.select([self.p.stdout], [], [], max(0, end - time.monotonic()))[0]:
                return "hangs"
            chunk = os.read(self.p.stdout.fileno(), 65536)
            if not chunk:
                return "ended"
            out += chunk
        self.heard += out.decode()
        return "".join(sorted(set(out.decode().strip())))

    def supervisor(self):
        return self.session.part("supervisor")

    def end(self):
        self.p.stdin.close()
        try:
            status = self.p.wait(20 * SLOW)
        except subprocess.TimeoutExpired:
            status = "hangs"
        self.err = open(self.fix.dir + "/err", errors="replace").read()
        return status

    def agentsh(self, *argv):
        return subprocess.run([AGENTSH, *argv], env=self.fix.environment(), preexec_fn=self.fix.become,
                              capture_output=True, text=True)

    def prlimit(self, pid, what, *argv):
        """As the user: who has the same ids needs no privilege"""
        return subprocess.run(["prlimit", "--" + what, *argv, "--pid", str(pid)], preexec_fn=self.fix.become,
                              stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

    def wrong(self):
        """What was done though denied, and what is left"""
        left = until(1.0 * SLOW, lambda: not self.session.alive())
        if not left:
            yield f"alive: {self.session.alive()}"
        if "LEAK" in self.heard or self.fix.token in self.heard:
            yield self.heard[self.heard.find("LEAK"):][:200]
        if open(self.fix.names["OUTSIDE"] + "/file").read() != "outside\n" or not os.path.exists(self.fix.names["LOCKED"]):
            yield "a file outside was changed"
        if self.fix.visits["DENIED_PORT"]:
            yield "a denied connection"

    def gone(self):
        for pid in self.session.alive():
            self.session.kill(pid)
        if self.small:
            subprocess.run(["umount", "-l", self.small], check=False)
        self.fix.gone()


def fill(path):
    """Not a byte is free after this"""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    for size in (65536, 4096, 1):
        try:
            while True:
                os.write(fd, b"x" * size)
        except OSError:
            pass
    os.close(fd)


def log_disk(tap, user, as_whom):
    """The file system of the state directory is full, then not, then full at the end"""
    s = Steps(user, ("state", "size=4m"))
    try:
        s.start()
        first = s.round()
        filler = s.small + "/filler"
        fill(filler)
        for _ in range(100):	# the log's last block still takes some lines
            if "p" not in s.round():
                break
        full = [s.round() for _ in range(3)]
        os.unlink(filler)
        again = [s.round() for _ in range(2)][-1]
        status = s.end()
        tap.line(first == ALL and again == ALL and status == 0, f"disk of the log full{as_whom}: all is done before and after",
                 first, full, again, status, s.err)
        tap.line(all(set("pc").isdisjoint(r) and r not in ("hangs", "ended") for r in full),
                 f"disk of the log full{as_whom}: no program and no connection that could not be recorded", *full)
        tap.line("not be recorded" in s.err or "cannot be recorded" in s.err or "No space left" in s.err,
                 f"disk of the log full{as_whom}: it is said", s.err)
        tap.line(not list(s.wrong()), f"disk of the log full{as_whom}: nothing denied, nothing left", *s.wrong())
        v = s.agentsh("log", "verify")
        tap.line(v.returncode == 0, f"disk of the log full{as_whom}: the log is whole and signed", v.stdout, v.stderr)
        s.start()
        s.round()
        fill(filler)
        s.round()
        status = s.end()
        tap.line(status == 0 and "no signed end" in s.err, f"full to the end{as_whom}: the command's status, and the log's lack is said",
                 status, s.err)
        os.unlink(filler)
        v = s.agentsh("log", "verify")
        tap.line(v.returncode != 0, f"full to the end{as_whom}: verify says that the end is missing", v.stdout, v.stderr)
        fill(filler)
        s.start()
        status = s.end()
        tap.line(status == 125 and "No space left" in s.err, f"full from the start{as_whom}: 125, with the reason", status, s.err)
    finally:
        s.gone()


def no_inodes(tap, user, as_whom):
    s = Steps(user, ("state", "size=1m,nr_inodes=2"))
    try:
        s.start()
        status = s.end()
        tap.line(status == 125 and "session" in s.err and "No space left" in s.err and not list(s.wrong()),
                 f"no room for a session directory{as_whom}: 125, with the reason", status, s.err, *s.wrong())
    finally:
        s.gone()


def workspace_disk(tap, user, as_whom):
    """As natively: ENOSPC for the writer, and room again after a removal"""
    s = Steps(user, ("ws", "size=1m"))
    s.command = ["sh", "-c", 'dd if=/dev/zero of=big bs=4k count=2000 2>&1 | grep -o "No space left on device"; '
                 'cat plain; rm big; echo room >small && cat small; dd if=/dev/zero of=/tmp/t bs=4k count=10 2>/dev/null && echo tmp']
    try:
        s.start()
        out = s.p.stdout.read().decode()
        status = s.end()
        tap.line(out == "No space left on device\nplain\nroom\ntmp\n" and status == 0 and not list(s.wrong()),
                 f"workspace full{as_whom}: the writer is told, others work", out, status, s.err, *s.wrong())
    finally:
        s.gone()


def private_tmp(tap, user, as_whom):
    """What the session itself writes to its /tmp fills the disk of its log: then it is refused, and said"""
    s = Steps(user, ("state", "size=4m"))
    s.command = ["sh", "-c", 'dd if=/dev/zero of=/tmp/big bs=4k 2>/dev/null; i=0; while [ $i -lt 100 ] && "$ATTACK_ALLOWED_TOOL"; do i=$((i+1)); done; '
                 'echo $i; : >/tmp/big; "$ATTACK_ALLOWED_TOOL" && echo again']
    try:
        s.start()
        out = s.p.stdout.read().decode()
        status = s.end()
        tap.line(status == 0 and not list(s.wrong()) and int(out.split()[0]) < 100 and out.endswith("again\n"),
                 f"/tmp of the session full{as_whom}: what cannot be recorded is not run", out, status, s.err, *s.wrong())
    finally:
        s.gone()


LIMITS = (
    # name, option of prlimit, the little that is left, letters that need what is missing
    ("descriptors", "nofile", 3, "pc"),
    ("memory", "as", 1, ""),
    ("processes", "nproc", 1, ""),
)


def limits(tap, user, as_whom):
    """Taken from the supervisor from outside, between two rounds"""
    for name, option, little, needs in LIMITS:
        if SANITIZED and option == "as":
            continue	# its runtime ends the process for want of memory
        s = Steps(user)
        try:
            s.start()
            first = s.round()
            pid = s.supervisor()
            old = s.prlimit(pid, option, "--raw", "--noheadings", "-o", "SOFT")
            s.prlimit(pid, f"{option}={little}:")
            scarce = [s.round() for _ in range(3)]
            s.prlimit(pid, f"{option}={old}:")
            again = [s.round() for _ in range(2)][-1]
            status = s.end()
            tap.line(first == ALL and again == ALL and status == 0 and "hangs" not in scarce and "ended" not in scarce,
                     f"supervisor without {name}{as_whom}: rounds end, and all is done again when there is some ({scarce[-1] or 'nothing'} meanwhile)",
                     first, scarce, again, status, s.err)
            tap.line(all(set(needs).isdisjoint(r) for r in scarce) and not list(s.wrong()),
                     f"supervisor without {name}{as_whom}: nothing denied was done, nothing is left", scarce, *s.wrong())
            v = s.agentsh("log", "verify")
            tap.line(v.returncode == 0, f"supervisor without {name}{as_whom}: the log is whole", v.stdout, v.stderr)
        finally:
            s.gone()


def few_descriptors_from_the_start(tap, user, as_whom):
    """From a limit under which nothing can be opened to one that is enough: a session, or 125 and the step"""
    wrong, did = [], []
    for n in list(range(3, 40, 2)) + [48, 64, 128]:
        s = Steps(user)
        try:
            s.start(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n)))
            got = s.round()
            status = s.end()
            did.append(status)
            if status == "hangs" or got == "hangs" or list(s.wrong()):
                wrong.append((n, got, status, s.err[-300:], *s.wrong()))
            elif status in (125, 126, 127, 1) and "agentsh" not in s.err and "rror" not in s.err:
                wrong.append((n, got, status, s.err[-300:]))
            elif status not in (0, 1, 125, 126, 127):
                wrong.append((n, got, status, s.err[-300:]))
        finally:
            s.gone()
    tap.line(not wrong and did[-1] == 0 and did[0] != 0, f"started with few descriptors{as_whom}: a session, or a reason", *wrong, did)


def many_inside(tap, user, as_whom):
    """All descriptors of the command in use: its own error, as natively"""
    s = Steps(user)
    s.command = ["python3", "-c", "import errno, os, resource, socket\n"
                 "resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))\n"
                 "held = []\n"
                 "try:\n"
                 "    while True: held.append(os.open('/', os.O_RDONLY))\n"
                 "except OSError as e: print(errno.errorcode[e.errno])\n"
                 "for f in (socket.socket, lambda: open('plain'), lambda: socket.socket(socket.AF_UNIX)):\n"
                 "    try: f(); print('got one')\n"
                 "    except OSError as e: print(errno.errorcode[e.errno])\n"
                 "os.close(held.pop())\n"
                 "print('got', socket.socket().fileno() > 0)\n"]
    try:
        s.start()
        out = s.p.stdout.read().decode().split("\n")
        status = s.end()
        tap.line(out == ["EMFILE"] * 4 + ["got True", ""] and status == 0, f"the command without descriptors{as_whom}: EMFILE, as natively",
                 out, status, s.err)
    finally:
        s.gone()


def fork_bomb(tap, user, as_whom):
    """limits.processes holds it, the machine stays usable, the end takes all"""
    s = Steps(user)
    policy = s.fix.dir + "/policy.json"
    text = open(policy).read().replace('"tracing"', '"limits": { "processes": 60 },\n  "tracing"', 1)
    s.fix.write(policy, text)
    s.command = ["python3", "-c", "import os, time\nfailed = count = 0\n"
                 "while failed < 20:\n"
                 "    try:\n"
                 "        if os.fork() == 0:\n            time.sleep(1000)\n"
                 "        count += 1\n"
                 "    except OSError: failed += 1\n"
                 "    if count > 500: break\n"
                 "print(count < 61, flush=True)\n"]
    try:
        s.start()
        out = s.p.stdout.readline().decode()
        s.session.look()
        status = s.end()
        tap.line(out == "True\n" and status == 0 and not list(s.wrong()), f"fork bomb{as_whom}: held by limits.processes, ended with the session",
                 out, status, s.err, *s.wrong())
    finally:
        s.gone()


NEED_ROOT = (log_disk, no_inodes, workspace_disk, private_tmp)


def main():
    tap = Tap()
    for user in USERS:
        as_whom = " as root" if user == "root" else ""
        for part in NEED_ROOT + (limits, few_descriptors_from_the_start, many_inside, fork_bomb):
            if sys.argv[1:] and part.__name__ not in sys.argv[1:]:
                continue
            if part in NEED_ROOT and os.getuid() != 0:
                tap.skip(part.__name__, "takes root to set up")
                continue
            if part is fork_bomb and user == "root":
                continue	# no limit of processes holds root
            part(tap, user, as_whom)
    print(f"1..{tap.count}")
    sys.exit(1 if tap.failed or not tap.count else 0)


main()
