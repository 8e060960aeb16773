# SPDX-License-Identifier: Apache-2.0
"""tests/lib/twice.py - scripts that run natively and in a cage, in the same fresh place; what differs

A table is a text file of cases:

    === NAME: what it shows
    needs: program program ...      (without one of them: skipped, and named; NAME= is a fact that prepare() found)
    options: word ...               loose: the files left behind are not compared
                                    home: with the caches that ready() has filled
                                    long: only with AGENTSH_LONG=1
                                    user, root: only as that one
                                    outer: the script runs outside, and "$@" is what to put before a command
    host: line of bash              run outside at the same time; what it tells is compared too
    script for bash, in the workspace

Compared are stdout, exit status, and what stands in the workspace afterwards:
names, kinds, modes, contents (not below .git, whose index holds times). The
script says what of stderr counts, by 2>&1. HOME is beside the workspace.
"""
import hashlib
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
AGENTSH = os.path.abspath(os.environ.get("AGENTSH", ROOT + "/build/agentsh"))
LONG = bool(os.environ.get("AGENTSH_LONG"))
USER = "agentsh-test"
GITCONFIG = "[user]\n\tname = Test\n\temail = test@example.org\n[init]\n\tdefaultBranch = main\n[protocol \"file\"]\n\tallow = always\n"


class Case:
    def __init__(self, name, about):
        self.name, self.about, self.needs, self.options, self.host, self.script = name, about, [], [], "", ""


def table(path):
    """The cases of one file"""
    found = []
    head = False
    with open(path, encoding="utf-8") as f:
        for line in f:
            m = re.match(r"=== ([\w.-]+): (.*)", line)
            if m:
                found.append(Case(*m.groups()))
                head = True
            elif found:
                m = head and re.match(r"(needs|options|host): (.*)", line)
                if not m:
                    head = False
                    found[-1].script += line
                elif m[1] == "host":
                    found[-1].host += m[2] + "\n"
                else:
                    getattr(found[-1], m[1]).extend(m[2].split())
    return found


class Result:
    def __init__(self, status, out, tree, err):
        self.status, self.out, self.tree, self.err = status, out, tree, err

    def facts(self, loose):
        return [f"status {self.status}", *self.out.splitlines()] + ([] if loose else ["-- files"] + self.tree)


def one_file(path, s):
    if stat.S_ISLNK(s.st_mode):
        return "link " + os.readlink(path)
    if not stat.S_ISREG(s.st_mode):
        return {stat.S_IFDIR: "folder", stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket"}.get(stat.S_IFMT(s.st_mode), "other")
    with open(path, "rb") as f:
        return f"file {s.st_nlink} {s.st_size} {hashlib.sha256(f.read()).hexdigest()[:16]}"


def listing(top):
    """Names, kinds, modes and contents below a folder"""
    lines = []
    for folder, dirs, files in os.walk(top):
        dirs.sort()
        dirs[:] = [d for d in dirs if d not in (".git", "__pycache__")]
        for name in sorted(dirs + files):
            path = os.path.join(folder, name)
            s = os.lstat(path)
            where = os.fsencode(os.path.relpath(path, top)).decode("utf-8", "backslashreplace")
            lines.append(f"{where} {stat.S_IMODE(s.st_mode):o} {one_file(path, s)}")
    return lines


class Place:
    """Where the cases of one user run"""

    def __init__(self, who, policy=None, state=None):
        self.who, self.policy = who, policy
        self.base = tempfile.mkdtemp(prefix="agentsh-test.", dir="/var/tmp")
        self.ready_home, self.facts, self.children = None, {}, []	# for the scripts' environment; what close() ends
        self.state = state or self.base + "/state"
        for d in (self.base, self.state):
            os.makedirs(d, exist_ok=True)
            self.own(d)
        os.chmod(self.base, 0o755)

    def own(self, path):
        if os.getuid() == 0 and self.who != "root":
            shutil.chown(path, self.who, self.who)

    def as_user(self, argv):
        if os.getuid() == 0 and self.who != "root":
            return ["setpriv", "--reuid", self.who, "--regid", self.who, "--init-groups", *argv]
        return argv

    def env(self, home):
        keep = {k: os.environ[k] for k in ("TERM", "TZ", "CORPORA", "AGENTSH_LONG") if k in os.environ}
        return dict(keep, **self.facts, PATH="/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", HOME=home, USER=self.who, LOGNAME=self.who,
                    LC_ALL="C.UTF-8", SHELL="/bin/bash", XDG_STATE_HOME=self.state, GIT_AUTHOR_DATE="1700000000 +0000", GIT_COMMITTER_DATE="1700000000 +0000", PYTHONDONTWRITEBYTECODE="1")

    def fresh(self, case):
        ws, home = self.base + "/ws", self.base + "/home"
        for d in (ws, home):
            remove(d)
        if "home" in case.options and self.ready_home:
            subprocess.run(["cp", "-a", self.ready_home, home], check=True)
        else:
            os.mkdir(home)
        os.mkdir(ws)
        with open(home + "/.gitconfig", "w", encoding="ascii") as f:
            f.write(GITCONFIG)
        for d in (ws, home, home + "/.gitconfig"):
            self.own(d)
        return ws, home

    def cage(self):
        return [AGENTSH, "--quiet", *(["--policy", self.policy] if self.policy else []), "--"]

    def run(self, case, caged, seconds):
        ws, home = self.fresh(case)
        script = self.base + "/case.sh"
        with open(script, "w", encoding="utf-8") as f:
            f.write(case.script)
        os.chmod(script, 0o644)
        before = self.cage() if caged else []
        argv = self.as_user(["bash", script, *(before or ["env"])] if "outer" in case.options else [*before, "bash", script])
        host = None
        if case.host:
            host = subprocess.Popen(self.as_user(["bash", "-c", case.host]), cwd=ws, env=self.env(home), stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        status, out, err = finish(subprocess.Popen(argv, cwd=ws, env=self.env(home), stdin=subprocess.DEVNULL, start_new_session=True,
                                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE), seconds)
        if host:
            out += "-- outside\n" + finish(host, 20)[1]
        return Result(status, out, listing(ws), err)

    def close(self):
        for child in self.children:
            child.terminate()
            child.wait()
        remove(self.base)


def remove(path):
    if os.path.lexists(path):
        subprocess.run(["chmod", "-R", "u+rwX", path], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(path, ignore_errors=True)


def finish(p, seconds):
    try:
        out, err = p.communicate(timeout=seconds)
        status = p.returncode
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGTERM)
        try:
            out, err = p.communicate(timeout=3)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            out, err = p.communicate()
        status = "took too long"
    return status, out.decode("utf-8", "backslashreplace"), (err or b"").decode("utf-8", "backslashreplace")


def differ(native, caged, loose):
    """The lines that only one of both has"""
    import difflib
    a, b = native.facts(loose), caged.facts(loose)
    return [x for x in difflib.unified_diff(a, b, "native", "caged", n=1, lineterm="")] if a != b else []


def users():
    """As whom: an ordinary user, and root where root runs the tests"""
    if os.getuid() != 0:
        import pwd
        return [pwd.getpwuid(os.getuid()).pw_name]
    subprocess.run(["sh", ROOT + "/tests/lib/setup.sh"], check=True)
    return [USER, "root"]


class Tap:
    def __init__(self, verbose=False):
        self.count, self.failed, self.verbose = 0, 0, verbose

    def result(self, good, text, why=()):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {text}", flush=True)
        for line in why:
            print("#   " + line[:300], flush=True)

    def skip(self, text, why):
        self.count += 1
        print(f"ok {self.count} - {text} # SKIP {why}", flush=True)

    def end(self):
        print(f"1..{self.count}")
        sys.exit(1 if self.failed else 0)

    def case(self, place, case, seconds=60):
        """One case as one user, natively first"""
        text = f"{case.name} as {place.who}: {case.about}"
        path = place.env("/")["PATH"]
        missing = [n for n in case.needs if not (
            os.path.exists(n) if "/" in n else place.facts.get(n[:-1]) if n.endswith("=") else shutil.which(n, path=path))]
        if missing:
            self.skip(f"{text} (missing: {' '.join(missing)})", "not installed")
            return
        times = [time.monotonic()]
        native = place.run(case, False, seconds)
        times.append(time.monotonic())
        caged = place.run(case, True, seconds)
        times.append(time.monotonic())
        why = differ(native, caged, "loose" in case.options)
        if not native.out.strip():
            why.append("it tells nothing natively")
        if native.status != 0:
            why.append(f"natively: status {native.status}: {native.err[-600:]!r} {native.out[-300:]!r}")
        if why:
            why += ["stderr: " + x for x in caged.err.splitlines()[-12:]]
        self.result(not why, text, why)
        if self.verbose:
            print(f"# {case.name}: {times[1] - times[0]:.1f} s natively, {times[2] - times[1]:.1f} s caged")
            print("\n".join("# " + x for x in caged.facts(False)))
            print("\n".join("# err " + x for x in caged.err.splitlines()))


def main(tables, argv, seconds=60, prepare=None, roots=""):
    """What the tests that consist of tables are: [-v] [-u USER] [NAME-PATTERN...]

    @roots is what the names of those cases match that root runs without AGENTSH_LONG"""
    import argparse
    import fnmatch
    p = argparse.ArgumentParser()
    p.add_argument("-v", action="store_true")
    p.add_argument("-u")
    p.add_argument("names", nargs="*")
    a = p.parse_args(argv)
    tap = Tap(a.v)
    for who in [a.u] if a.u else users():
        place = Place(who)
        try:
            if prepare:
                prepare(place, tap)
            for case in [c for t in tables for c in table(t)]:
                kind = "root" if who == "root" else "user"
                if a.names and not any(fnmatch.fnmatch(case.name, n) for n in a.names):
                    continue
                if who == "root" and not a.u and not LONG and not re.match(roots, case.name):
                    continue
                if ({"user", "root"} & set(case.options)) not in (set(), {kind}) or ("long" in case.options and not LONG):
                    continue
                tap.case(place, case, seconds)
        finally:
            place.close()
    tap.end()
