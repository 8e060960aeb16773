#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/attack/run.t [NAME...] - runs the attacks, TAP out

Each attack gets fixtures, a session and a process group of its own; what is
left of it is killed. In MODE=teeth the layers are switched off instead: see
DESIGN, "Teeth". The header lines of an attack are told in tests/lib/attack.h.

Needs:	tty	a terminal of its own, controlling
	root	runs as root only (else it runs as the test user, and as root too if "user,root")
	tracing	the policy allows tracing (and writing to /proc/self)
	host	files WS/ask.N answered by WS/answer.N: "replace-secret" (an editor outside saves the
		secret by rename)
Environment: AGENTSH, B, MODE, ATTACK_SECONDS (races; 5, with AGENTSH_LONG 60,
and again until there were 100,000 tries), ATTACK_KEEP=1 keeps fixtures
Seconds: 7200
"""
import glob
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import termios
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE + "/../lib")
from fixture import Fixture

ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("B", ROOT + "/build")
TEETH = os.environ.get("MODE") == "teeth"
AGENTSH = os.environ.get("AGENTSH", BUILD + ("/teeth/agentsh" if TEETH else "/agentsh"))
LONG = bool(os.environ.get("AGENTSH_LONG"))
SECONDS = os.environ.get("ATTACK_SECONDS", "60" if LONG else "2" if TEETH else "5")
RACE_SHOTS = 100000 if LONG else 1
LIMIT = 30 + 3 * int(SECONDS)
LAYERS = re.findall(r'X\([A-Z]+, "([a-z]+)"\)', open(ROOT + "/cage/cage.h").read())
FEATURES = re.findall(r'"([a-z-]+)"', open(ROOT + "/common/lacks.h").read().split("*/", 1)[0])
STATUS = {0: "blocked", 1: "escaped", 77: "cannot be tried"}


class Attack:
    """One source file and what its header says"""

    def __init__(self, path):
        self.name = os.path.basename(path)[:-2]
        head = open(path).read().split("*/", 1)[0]
        field = lambda key: (re.search(r"^ \*\s*" + key + r":\s*(.*)$", head, re.M) or [0, ""])[1].strip()
        self.what = field("Attack")
        self.layers = [w.strip() for w in field("Stopped by").split(",") if w.strip()]
        expect = field("Expect")
        self.errno = (re.match(r"(E[A-Z]+)", expect) or [0, None])[1]
        self.rule = (re.search(r"rule ([\w-]+)", expect) or [0, None])[1]
        self.needs = [w.strip() for w in field("Needs").split(",") if w.strip()]
        self.policy = field("Policy") or "policy.json.in"
        self.wrong = self.complaint(field)

    def complaint(self, field):
        for key in ("Attack", "Stopped by", "Expect", "Twin", "Source"):
            if not field(key):
                return f'its header has no "{key}:"'
        for layer in self.layers:
            if layer not in LAYERS:
                return f'"Stopped by: {layer}": no such layer in cage/cage.h'
        if not os.access(f"{BUILD}/attack/{self.name}", os.X_OK):
            return "it was not built"
        return None

    def users(self):
        """Who runs it: None is oneself"""
        if os.getuid() != 0:
            return [] if self.needs and "root" in self.needs and "user" not in self.needs else [None]
        return [u for u, on in (("agentsh-test", "root" not in self.needs or "user" in self.needs),
                                ("root", "root" in self.needs)) if on]


class Attacked(Fixture):
    """The fixture with the attack's program and policy in it"""

    def __init__(self, user, attack):
        super().__init__(user, HERE + "/" + (attack.policy if attack else "policy.json.in"))
        self.attack, self.lacks = attack, ()
        self.names["SECONDS"] = SECONDS
        if attack and "tracing" in attack.needs:
            self.tracing = "allow"

    def environment(self):
        return dict(super().environment(), AGENTSH_TEETH_LACKS=",".join(self.lacks))

    def make(self):
        super().make()
        if self.attack and "host" in self.attack.needs:
            threading.Thread(target=self.serve_host, daemon=True).start()

    def tree(self):
        if self.attack:
            os.makedirs(self.names["WS"])
            shutil.copy(f"{BUILD}/attack/{self.attack.name}", self.names["WS"] + "/attack")
        super().tree()

    def serve_host(self):
        """Innocent work of the user outside, in the middle of an attack"""
        done = set()
        while not self.stopping:
            for ask in glob.glob(self.names["WS"] + "/ask.*"):
                if ask in done:
                    continue
                done.add(ask)
                new = self.names["SECRET"] + ".new"
                self.write(new, self.token + "\n", 0o600)
                os.chown(new, self.user.pw_uid, self.user.pw_gid)
                os.rename(new, self.names["SECRET"])
                self.write(ask.replace("/ask.", "/answer."), "done\n")
            time.sleep(0.02)


def spawn(argv, fix, tty):
    """Start it; returns the process and the descriptor of its output"""
    if tty:
        master, slave = pty.openpty()
        name = os.ttyname(slave)
        os.chown(name, fix.user.pw_uid, fix.user.pw_gid)
    else:
        master, slave = os.pipe()

    def child():
        os.setsid()
        if tty:
            import fcntl
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        fix.become()
        os.chdir(fix.names["WS"])
    p = subprocess.Popen(argv, stdin=slave if tty else subprocess.DEVNULL, stdout=slave, stderr=slave,
                         env=fix.environment(), preexec_fn=child)
    os.close(slave)
    return p, master


def run(argv, fix, tty=False):
    """Exit status (None: no end) and output"""
    p, fd = spawn(argv, fix, tty)
    out, end = b"", time.monotonic() + LIMIT
    while time.monotonic() < end:
        ready, _, _ = select.select([fd], [], [], 0.1)
        if ready:
            try:
                chunk = os.read(fd, 65536)
            except OSError:
                chunk = b""
            out += chunk
            if not chunk:
                break
        elif p.poll() is not None:
            break
    try:
        status = p.wait(timeout=max(0.1, min(5, end - time.monotonic())))
    except subprocess.TimeoutExpired:
        status = None
    try:
        os.killpg(p.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    p.wait()
    os.close(fd)
    return status, out.decode("utf-8", "replace")


def session(attack, user, words, off=(), lacks=()):
    fix = Attacked(user, attack)
    fix.lacks = lacks
    fix.off = off if TEETH else None
    try:
        fix.make()
        argv = [AGENTSH, "--quiet", "--policy", fix.dir + "/policy.json", "--workspace", fix.names["WS"], "--",
                fix.names["WS"] + "/attack"] + words
        status, out = run(argv, fix, "tty" in attack.needs)
        return status, out, fix.rules(), fix.token in out, fix.holder.poll() is None
    finally:
        fix.gone()


class Tap:
    count = failed = 0

    def line(self, good, name, notes="", skip=None):
        self.count += 1
        self.failed += not good
        print(f"{'' if good else 'not '}ok {self.count} - {name}" + (f" # SKIP {skip}" if skip else ""), flush=True)
        if not good:
            for note in notes.splitlines():
                print("# " + note, flush=True)


def one_line(out, word):
    return next((l for l in out.splitlines() if l.startswith(word + ":")), "")


def judge(attack, result):
    """What is wrong with one run, or ''; and the tries of a race"""
    status, out, rules, leaked, alive = result
    told = one_line(out, "blocked")
    shots = re.search(r"(\d+) shots", out)
    tries = int(shots[1]) if shots else None
    if status != 0 or leaked or not alive or not told:
        return f"exit {status}, secret leaked: {leaked}, outside process alive: {alive}", tries
    if attack.errno and attack.errno != told.split(": ", 1)[1]:
        return f"expected {attack.errno}", tries
    if attack.rule and attack.rule not in rules:
        return f"rule {attack.rule} is not in the log, but {sorted(r for r in rules if r)}", tries
    return "no try" if tries == 0 else "", tries


def check_attack(tap, attack, user):
    who = f" as {user}" if user == "root" else ""
    total = 0
    while True:
        result = session(attack, user, [])
        out = result[1]
        if result[0] == 77:
            tap.line(True, f"{attack.name}{who}", skip=one_line(out, "cannot"))
            return
        wrong, tries = judge(attack, result)
        total += tries or 0
        if wrong or tries is None or total >= RACE_SHOTS:
            break
    times = f" ({total} times)" if tries is not None else ""
    tap.line(not wrong, f"{attack.name}{who}: {attack.what}{times}", wrong + "\n" + out[-2000:])
    status, out, *_ = session(attack, user, ["twin"])
    tap.line(status == 0 and one_line(out, "twin") == "twin: works", f"{attack.name}{who}: its allowed twin",
             f"exit {status}\n" + out[-2000:])


def check_older(tap, attack, user):
    """What a kernel may lack (DESIGN 16.12), all of it at once, in long checks also one by one: still blocked"""
    for lacks in [FEATURES] + ([[f] for f in FEATURES] if LONG else []):
        status, out, _, leaked, alive = session(attack, user, [], lacks=lacks)
        tap.line(status in (0, 77) and not leaked and alive, f"{attack.name}: blocked where the kernel lacks "
                 + ", ".join(lacks), f"{STATUS.get(status, f'exit {status}')}\n" + out[-2000:])


def check_teeth(tap, attack, user):
    check_older(tap, attack, user)
    status, out, *_ = session(attack, user, [], attack.layers)
    tap.line(status == 1, f"{attack.name}: escapes without {', '.join(attack.layers)}",
             f"{STATUS.get(status, f'exit {status}')}\n" + out[-2000:])
    if len(attack.layers) < 2:
        status, out, *_ = session(attack, user, [])
        tap.line(status == 0, f"{attack.name}: blocked with everything on", out[-2000:])
        return
    for layer in attack.layers:
        status, out, *_ = session(attack, user, [], [x for x in attack.layers if x != layer])
        tap.line(status == 0, f"{attack.name}: blocked by {layer} alone",
                 f"{STATUS.get(status, f'exit {status}')}\n" + out[-2000:])


def control():
    """An innocent program must run, or every attack would be "blocked"; says what is wrong"""
    fix = Attacked("agentsh-test" if os.getuid() == 0 else None, None)
    try:
        fix.make()
        argv = [AGENTSH, "--quiet", "--policy", fix.dir + "/policy.json", "--workspace", fix.names["WS"], "--",
                "sh", "-c", "echo written > made && cat made plain"]
        status, out = run(argv, fix)
        return "" if status == 0 and out == "written\nplain\n" else f"exit {status}\n{out[-2000:]}"
    finally:
        fix.gone()


def main():
    tap = Tap()
    wanted = sys.argv[1:]
    wrong = control()
    tap.line(not wrong, "an innocent program runs in the cage", wrong)
    if wrong:
        print("1..1")
        sys.exit(1)
    for path in sorted(glob.glob(HERE + "/*.c")):
        attack = Attack(path)
        if wanted and attack.name not in wanted:
            continue
        if attack.wrong:
            tap.line(False, attack.name, attack.wrong)
            continue
        users = attack.users()
        if not users:
            tap.line(True, attack.name, skip="needs root")
        for user in users:
            (check_teeth if TEETH else check_attack)(tap, attack, user)
    print(f"1..{tap.count}")
    sys.exit(1 if tap.failed or not tap.count else 0)


main()
