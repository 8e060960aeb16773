# SPDX-License-Identifier: Apache-2.0
"""tests/lib/corpus.py - runs a corpus that lies beside this repository, and tells its rows as TAP

The corpora are not part of the repository: CORPORA names their folder, else it
is "shared" beside the clone. They write beside themselves, so a copy is run.
"""
import atexit
import fcntl
import json
import os
import pwd
import signal
import shutil
import subprocess
import sys
import tempfile
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.environ.get("CORPORA", os.path.join(ROOT, "..", "shared"))
CACHE = "/var/tmp/agentsh-test-cache"
AGENTSH = os.environ.get("AGENTSH", ROOT + "/build/agentsh")
USER = "agentsh-test"


def skip_all(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


def own_place(name):
    """The cached place of a corpus; one that is removed at the end while another run has that"""
    os.makedirs(CACHE, exist_ok=True)
    lock = os.open(f"{CACHE}/{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # held until we end
        place = f"{CACHE}/{name}"
        os.makedirs(place, exist_ok=True)
    except BlockingIOError:
        place = tempfile.mkdtemp(prefix=name + ".", dir=CACHE)
        os.chmod(place, 0o755)
        atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place


def copy(name, keep=()):
    """A fresh copy of a folder of the corpora; subfolders in keep outlive it. Returns its place"""
    source = os.path.join(FOLDER, name)
    if not os.path.isdir(source):
        skip_all(f"no {name} beside this clone")
    place = own_place(name)
    for old in os.listdir(place):
        if old not in keep:
            p = f"{place}/{old}"
            (shutil.rmtree if os.path.isdir(p) and not os.path.islink(p) else os.unlink)(p)
    shutil.copytree(source, place, dirs_exist_ok=True)
    for top, _, _ in os.walk(place):
        if not os.path.islink(top):
            os.chmod(top, 0o755)
    return place


def client(link):
    """Where the claude client is, by a link; nothing if it is not to be had"""
    p = subprocess.run(["sh", ROOT + "/tests/lib/client.sh", "@anthropic-ai/claude-code", "claude"], stdout=subprocess.PIPE,
                       stderr=subprocess.DEVNULL)
    if p.returncode == 0 and not os.path.exists(link):
        os.makedirs(os.path.dirname(link), exist_ok=True)
        if os.path.islink(link):  # to where it once was
            os.unlink(link)
        os.symlink(p.stdout.decode().strip().split("/node_modules/")[0], link)


def users(root):
    """(words for the runner, name) of each user to run as; root too where asked for"""
    if os.getuid() != 0:
        return [([], pwd.getpwuid(os.getuid()).pw_name)]
    subprocess.run(["sh", ROOT + "/tests/lib/setup.sh"], check=True)
    every = [(["--user", USER], USER)]
    if root:
        every.append(([], "root"))
    return every


def clean(text):
    return "".join(c if c.isprintable() and c != "#" else "?" for c in text)[:200]


def interruptible():
    """A shell that starts something in the background has it ignore what a terminal sends"""
    for s in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(s, signal.SIG_DFL)


class Rows:
    """Numbers the results; "good" and "skip" are verdicts of the runner

    "impossible" names what its corpus itself says cannot hold for an ordinary user."""

    def __init__(self, good, skip, impossible=()):
        self.good, self.skip, self.impossible, self.count, self.failed = good, skip, impossible, 0, 0

    def row(self, r, who):
        self.count += 1
        name, why = f"{r['name']} as {who}", clean(r.get("why") or "")
        if r["verdict"] in self.good:
            print(f"ok {self.count} - {name}", flush=True)
        elif r.get("cls") == "info":  # told, and not judged
            print(f"ok {self.count} - {name} (for information: {r['verdict']} {why})", flush=True)
        elif r["verdict"] in self.skip:
            missing = f" ({why})" if why.startswith("missing: ") else ""
            print(f"ok {self.count} - {name}{missing} # SKIP {why}", flush=True)
        elif r["name"] in self.impossible and who != "root":
            print(f"ok {self.count} - {name} # SKIP cannot hold for an ordinary user", flush=True)
        else:
            self.failed += 1
            print(f"not ok {self.count} - {name}: {r['verdict']}\n#   {why}", flush=True)
            for line in r.get("diff") or []:
                print("#   " + clean(line), flush=True)

    def run(self, argv, env, report, who):
        """Rows are told while they come: the runner writes one JSON line each into a pipe"""
        if os.path.exists(report):
            os.unlink(report)
        os.mkfifo(report, 0o600)
        p = subprocess.Popen(argv, env=dict(os.environ, **env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             stdin=subprocess.DEVNULL, preexec_fn=interruptible)
        told = []
        reader = threading.Thread(target=lambda: told.extend(self.rows(report, who)), daemon=True)
        reader.start()
        out = p.stdout.read().decode("utf-8", "replace")
        status = p.wait()
        if not told:  # it may never have opened the pipe
            try:
                os.close(os.open(report, os.O_WRONLY | os.O_NONBLOCK))
            except OSError:
                pass
        reader.join(5)
        os.unlink(report)
        if status not in (0, 1) or not told:
            self.count += 1
            self.failed += 1
            print(f"not ok {self.count} - the runner as {who}: status {status}")
            for line in out.splitlines()[-30:]:
                print("#   " + line)
        else:
            print("# " + out.splitlines()[-1])

    def rows(self, report, who):
        with open(report) as f:
            for line in f:
                self.row(json.loads(line), who)
                yield 1

    def end(self):
        print(f"1..{self.count}")
        sys.exit(1 if self.failed else 0)
