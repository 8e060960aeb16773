# SPDX-License-Identifier: Apache-2.0
"""tests/safety/busy.py - a session with its hands full: allowed work and refused attempts, in several processes, for ever

Run inside, with the names of tests/lib/fixture.py in its environment. Tells one
letter for each thing done, of what is allowed, and a line "LEAK ..." of what
should have been refused and was not. What is done outside, the test looks for itself.

With BUSY_STEPS=1 one process does everything once for each line of its input,
and ends the letters with a newline.
"""
import os
import socket
import subprocess
import sys
import time

N = {k[7:]: v for k, v in os.environ.items() if k.startswith("ATTACK_")}


def tell(text):
    os.write(1, text.encode())


def leak(what):
    tell(f"\nLEAK {what}\n")


def program(denied):
    """a program that may run, one that may not; denied-tool leaves a mark outside"""
    try:
        status = subprocess.run([N["DENIED_TOOL"] if denied else N["ALLOWED_TOOL"]], stderr=subprocess.DEVNULL).returncode
    except OSError:
        return
    if denied:
        leak(f"a denied program ran: {status}")
    elif status == 0:
        tell("p")


def write(denied):
    path = N["OUTSIDE"] + "/file" if denied else f"written.{os.getpid()}"
    try:
        with open(path, "w") as f:
            f.write("changed\n")
    except OSError:
        return
    leak("a denied write") if denied else tell("w")


def read(denied):
    try:
        with open(N["SECRET"] if denied else N["PLAIN"]) as f:
            text = f.read()
    except OSError:
        return
    leak(text) if denied else tell("r")


def connect(denied):
    try:
        with socket.create_connection(("127.0.0.1", int(N["DENIED_PORT" if denied else "PORT"])), 1) as s:
            text = s.recv(100)
    except OSError:
        return
    leak("a denied connection") if denied else tell("c" if text else "")


def fork(denied):
    pid = os.fork()
    if pid == 0:
        if denied:
            rename(True)
        os._exit(0)
    os.waitpid(pid, 0)
    tell("f")


def rename(denied):
    try:
        if denied:
            os.rename(N["LOCKED"], N["LOCKED"] + ".moved")
            leak("a denied rename")
        else:
            open(f"old.{os.getpid()}", "w").close()
            os.rename(f"old.{os.getpid()}", f"new.{os.getpid()}")
            tell("n")
    except OSError:
        return


def worker(work):
    while True:
        for denied in (False, True):
            try:
                work(denied)
            except Exception as e:	# the session dies under it
                if os.environ.get("BUSY_DEBUG"):
                    tell(f"{work.__name__}: {e}\n")
                time.sleep(0.001)


WORK = (program, write, read, connect, fork, rename)


def steps():
    for _ in sys.stdin:
        for work in WORK:
            for denied in (False, True):
                try:
                    work(denied)
                except OSError:
                    pass
        tell("\n")


def main():
    if os.environ.get("BUSY_STEPS"):
        return steps()
    tell("up ")
    for work in WORK + (program, connect):
        if os.fork() == 0:
            worker(work)
    for pid in range(8):
        os.wait()


if __name__ == "__main__":
    sys.exit(main())
