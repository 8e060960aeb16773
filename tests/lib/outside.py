# SPDX-License-Identifier: Apache-2.0
"""tests/lib/outside.py - a session as the machine sees it: its processes, mounts, files; whether they have gone"""
import os
import signal
import time


def until(seconds, f):
    """The last value of f, which is asked until it is true or the time is over. The wall clock may jump"""
    end = time.monotonic() + seconds
    while True:
        value = f()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.005)


def stat_of(pid):
    """State, parent, session, start; None if there is no such process. A zombie is one no more"""
    try:
        with open(f"/proc/{pid}/stat") as f:
            w = f.read().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return None if w[0] in "ZX" else (w[0], int(w[1]), int(w[3]), int(w[19]))


def everybody():
    """pid -> stat_of(pid)"""
    found = {int(p): stat_of(p) for p in os.listdir("/proc") if p.isdigit()}
    return {p: s for p, s in found.items() if s}


def children(pid, all_=None):
    return [p for p, s in (all_ or everybody()).items() if s[1] == pid]


class Session:
    """Who belongs to the session of a front that leads a session of its own"""

    def __init__(self, front):
        self.front = front
        self.known = {}		# pid -> start

    def look(self):
        """All there are now: what stayed in the front's session, and the supervisor's tree, which did not"""
        all_ = everybody()
        now = {p for p, s in all_.items() if s[2] == self.front}
        todo = [self.front]
        while todo:
            for p in children(todo.pop(), all_):
                now.add(p)
                todo.append(p)
        self.known.update((p, all_[p][3]) for p in now if p in all_)
        return all_

    def part(self, name):
        """The process of that name, or None as long as there is none"""
        pid = self.front
        for step in ("supervisor", "resolver", "init"):
            if name == "front":
                break
            below = children(pid)
            if len(below) != 1:
                return None
            pid = below[0]
            if step == name:
                break
        return pid

    def alive(self):
        """Members that are still there, the front too; not those who have the same number later"""
        all_ = self.look()
        return {p for p, start in self.known.items() if p in all_ and all_[p][3] == start}

    def kill(self, pid):
        self.look()
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True


def mounts(directory):
    """Those in that directory, where all of a session is: others are made by others"""
    with open("/proc/self/mountinfo") as f:
        return sorted(line.split(" ", 1)[1] for line in f if directory in line)
