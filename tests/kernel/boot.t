#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/kernel/boot.t - the cage on Debian 12's own kernel, booted in qemu; TAP out

What runs there is told by its own TAP on the serial console, and is retold here
line by line. "make check" looks at the cage and a few attacks; with AGENTSH_LONG
or AGENTSH_KERNEL=all ("make check-kernel") all attacks and the tests of the
doorman and of the view are run.

KERNEL=PACKAGE or FILE.deb: another one. See tests/kernel/machine.sh.
Seconds: 2400
"""
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
ALL = bool(os.environ.get("AGENTSH_LONG")) or os.environ.get("AGENTSH_KERNEL") == "all"
FEW = "attack/run.t::read-denied::connect-denied::unix-host"
TESTS = os.environ.get("KERNEL_TESTS") or ",".join(
    ["kernel/cage.sh"] +
    (["integration/doctor.t", "attack/run.t", "integration/doorman.t", "integration/view.t"] if ALL else [FEW]))
BOOTS = 3	# tries until the kernel is up
TOOLS = ("qemu-system-x86_64", "cpio", "depmod", "mke2fs", "busybox", "apt-get", "dpkg-deb")


class Retold:
    """TAP of many, as one"""

    def __init__(self):
        self.count = self.failed = 0
        self.seen, self.planned, self.status = {}, {}, {}
        self.is_up = self.is_done = False

    def line(self, good, words):
        self.count += 1
        self.failed += not good
        print(f"{'' if good else 'not '}ok {self.count} - {words}", flush=True)

    def take(self, line):
        m = re.match(r"\[([^] ]*/[^] ]*)\] (.*)", line)
        if not m:
            self.is_done |= line == "guest: done"
            self.is_up |= line.startswith("guest: ") and " up after " in line
            print("# " + line, flush=True)
            return
        name, text = m[1], m[2]
        self.seen.setdefault(name, 0)
        if re.match(r"(not )?ok \d+", text):
            self.seen[name] += 1
            self.line(text.startswith("ok"), name + ": " + re.sub(r"^(not )?ok \d+( - )?", "", text))
        elif re.match(r"1\.\.\d+$", text):
            self.planned[name] = int(text[3:])
        elif re.match(r"exit \d+$", text):
            self.status[name] = int(text[5:])
        else:
            print(f"# {name}: {text}", flush=True)

    def end(self, status):
        for name, count in self.seen.items():
            self.line(count and self.planned.get(name) == count and self.status.get(name) == 0,
                      f"{name}: {count} of {self.planned.get(name)} told, exit {self.status.get(name)}")
        self.line(self.is_done and status == 0, f"the machine went through all tests and off (qemu: {status})")
        self.line(len(self.seen) == len(TESTS.split(",")), "every test said something")
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def skip(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


def boot(told):
    """Once through; what the emulator gets wrong before our first word is no word on us"""
    machine = subprocess.Popen(["sh", HERE + "/machine.sh", TESTS], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    for raw in machine.stdout:
        line = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1bc|\r", "", raw.decode("utf-8", "replace").rstrip("\n"))
        if line.strip():
            told.take(line)
    return machine.wait()


def main():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = [t for t in TOOLS if not shutil.which(t)]
    if missing:
        skip("no " + ", ".join(missing))
    if os.getuid() != 0:
        skip("the disk image wants root, whose files are in it")
    if os.uname().machine != "x86_64" or os.environ.get("MODE", "release") != "release":
        skip("x86-64 and the release build only")
    os.environ.setdefault("B", ROOT + "/build")
    os.environ.setdefault("AGENTSH", os.environ["B"] + "/agentsh")
    told = Retold()
    for _ in range(BOOTS):
        status = boot(told)
        if told.is_up or status == 77:
            break
    if status == 77 and not told.is_up:
        skip("no kernel package to boot")
    sys.exit(told.end(status))


main()
