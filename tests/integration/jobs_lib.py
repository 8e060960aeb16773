# SPDX-License-Identifier: Apache-2.0
"""tests/integration/jobs_lib.py - one run of a case of jobs.t: its processes, its terminal, its facts"""
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time


class Fail(Exception):
    pass


def until(what, f, seconds=8.0):
    end = time.monotonic() + seconds
    while True:
        value = f()
        if value:
            return value
        if time.monotonic() > end:
            raise Fail(f"not within {seconds} s: {what}")
        time.sleep(0.01)


def sleeps(mark):
    """The processes of sleep that have the mark as an argument"""
    found = []
    for p in os.listdir("/proc"):
        if p.isdigit():
            try:
                with open(f"/proc/{p}/cmdline", "rb") as f:
                    args = f.read().split(b"\0")
                with open(f"/proc/{p}/stat") as f:
                    state = f.read().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue
            if args[0].endswith(b"sleep") and mark.encode() in args and state not in "ZX":
                found.append(int(p))
    return found


def alive(mark):
    return len(sleeps(mark))


class Run:
    """One pass of a case: where it works, what it starts, which facts it tells"""
    serial = 0

    def __init__(self, wrapper, directory):
        self.wrapper, self.dir, self.facts, self.children, self.term = wrapper, directory, [], [], None
        Run.serial += 1
        self.mark = f"{os.getpid()}{Run.serial:04d}.5"	# an argument of sleep that is nobody else's
        self.env = dict(os.environ, MARK=self.mark, PS1="OUT$ ", TERM="xterm", HISTFILE="/dev/null", PAGER="cat")

    def fact(self, *words):
        self.facts.append(" ".join(str(w) for w in words))

    def path(self, name):
        return os.path.join(self.dir, name)

    def read(self, name):
        try:
            with open(self.path(name)) as f:
                return f.read()
        except OSError:
            return ""

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def popen(self, argv, wrapped=True, group=False, **kw):
        """group: its own process group, in our session, so that it is not orphaned"""
        pre = kw.pop("preexec_fn", None)

        def child():
            if group:
                os.setpgid(0, 0)
            if pre:
                pre()
        p = subprocess.Popen((self.wrapper if wrapped else []) + argv, cwd=self.dir, env=self.env, preexec_fn=child,
                             **{"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, **kw})
        self.children.append(p)
        return p

    def outer(self, script, **kw):
        """A script of the caller's, in which "$@" is the wrapper. Its stdout"""
        p = self.popen(["bash", "-c", script, "outer"] + self.wrapper, wrapped=False, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, **kw)
        try:
            return p.communicate(timeout=30)[0]
        except subprocess.TimeoutExpired:
            raise Fail("the script did not end") from None

    def wait(self, p, seconds=8.0):
        until("the end of the command", lambda: p.poll() is not None, seconds)
        return p.returncode

    def stopped(self, p, seconds=8.0):
        """The signal that has stopped the child, as its parent is told"""
        def look():
            pid, status = os.waitpid(p.pid, os.WUNTRACED | os.WNOHANG)
            if pid and not os.WIFSTOPPED(status):
                p.returncode = os.waitstatus_to_exitcode(status)
                raise Fail(f"ended with {p.returncode} where it was to stop")
            return os.WSTOPSIG(status) if pid else 0
        return signal.Signals(until("the stop", look, seconds)).name

    def clean(self):
        if self.term:
            self.term.close()
        for p in self.children:
            for target in (lambda: os.killpg(p.pid, signal.SIGKILL), p.kill):
                try:
                    target()
                except OSError:
                    pass
            if p.returncode is None:
                p.wait()


class Term:
    """A terminal with an interactive bash on it, or a command; we are the user in front of it"""

    def __init__(self, run, argv=None):
        run.term = self
        self.run, self.text, self.all = run, "", ""
        self.master, slave = os.openpty()
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(
            argv or ["bash", "--norc", "--noprofile", "-i"], cwd=run.dir, stdin=slave, stdout=slave, stderr=slave,
            env=dict(run.env, W=" ".join(run.wrapper)), start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        run.children.append(self.process)
        os.close(slave)
        if not argv:
            self.expect(r"OUT\$ ")
            self.send('bind "set enable-bracketed-paste off"; clear\n')
            self.expect(r"OUT\$ $")
            time.sleep(0.1)		# the prompt may have been the one before "clear"
            while self.pull(0) and self.text:
                self.text = ""

    def pull(self, seconds):
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.master, 65536).decode("utf8", "replace")
        except OSError:
            return False
        self.text += data
        self.all += data
        return bool(data)

    def shown(self):
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\x1b\][^\x07]*\x07|\x1b\(B|\x0f", "", self.text).replace("\r", "")

    def expect(self, pattern, seconds=8.0):
        end = time.monotonic() + seconds
        while True:
            m = re.search(pattern, self.shown())
            if m:
                self.text = self.shown()[m.end():]
                return m
            if not self.pull(0.05) and not re.search(pattern, self.shown()):
                raise Fail(f"terminal closed, expected {pattern!r}, got {self.shown()[-300:]!r}")
            if time.monotonic() > end:
                raise Fail(f"expected {pattern!r} within {seconds} s, got {self.shown()[-300:]!r}")

    def send(self, text):
        os.write(self.master, text.encode())

    def command(self, text, pattern=r"OUT\$ "):
        self.send(text + "\n")
        return self.expect(pattern)

    def foreground(self):
        time.sleep(0.2)		# bash loses what is typed while it prepares the terminal
        self.send("fg\n")

    def status(self):
        self.send('echo "st=$?"\n')
        status = self.expect(r"st=(\d+)\n")[1]
        self.expect(r"OUT\$ ")
        return status

    def flags(self):
        return tuple(termios.tcgetattr(self.master)[:4])

    def close(self):
        if self.master >= 0:
            os.close(self.master)
            self.master = -1
