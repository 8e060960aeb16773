#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/integration/opens.t - opens that may change a file outside the served trees: let go on, refused, handed in, redirected

opens_inside.py tells what it sees. The kernel's own answers must be the same whether
the doorman looks at such opens or not; what the policy decides is listed below.
"""
import ctypes
import glob
import json
import os
import pwd
import shutil
import struct
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
AGENTSH = os.environ.get("AGENTSH", os.path.join(HERE, "../../build/agentsh"))
IS_ROOT = os.getuid() == 0
USER = pwd.getpwnam("agentsh-test") if IS_ROOT else pwd.getpwuid(os.getuid())
ROOT = pwd.getpwuid(0)

REFUSED = ["for writing", "for both", "cut by reading", "cut by name", "through a link", "made", "made for good",
           "made by creat", "nameless", "openat2"]
GIVEN = {
    "appended": "12", "written": "X2", "cut": "new", "creat": "", "both": oct(os.O_RDWR | os.O_APPEND | os.O_NONBLOCK | os.O_SYNC),
    "to be made": "0o1", "must not exist": "EEXIST", "by a link": "linked", "a link not followed": "ELOOP", "by dots": "0o1",
    "from a folder": "0o1", "openat2": "opened", "truncate": "lin", "truncate below nothing": "EINVAL",
    "kept over exec": "[0, 1]", "with no descriptor left": "('EMFILE', True)", "its mode": "EPERM",
    "what is above it": "ENOTDIR", "opened anew": "EACCES", "a place opened anew": "EROFS", "linked": "EXDEV", "only read": "0o0",
}
ELSEWHERE = {
    "made": "('original', 'one', '0o644')", "more": None, "cut": None, "truncate": "th",
    "a name not there": "('0o640', False)", "made to be read": "('0o0', True)",
    "larger than allowed": "['EFBIG', 'SIGXFSZ']", "nameless there": "ENOTDIR", "a link planted": "EACCES", "a pipe planted": "EACCES", "a folder planted": "EACCES",
}


class Tap:
    count = failed = 0

    def ok(self, good, what, detail=""):
        self.count += 1
        self.failed += not good
        print(f"{'' if good else 'not '}ok {self.count} - {what}", flush=True)
        if not good and detail:
            print("# " + str(detail).replace("\n", "\n# "), flush=True)

    def done(self):
        print(f"1..{self.count}")
        sys.exit(1 if self.failed else 0)


class Place:
    """A workspace, and a folder outside that may be read; of one user"""

    def __init__(self, user):
        self.user = user
        self.top = t = tempfile.mkdtemp(prefix="agentsh-opens.", dir="/var/tmp")
        os.chmod(t, 0o755)
        for d in ("ws", "home", "state", "out", "out/dir"):
            os.mkdir(f"{t}/{d}")
        for name, text in (("plain", "plain"), ("granted", "1"), ("redirected", "original")):
            with open(f"{t}/out/{name}", "w") as f:
                f.write(text)
        for name, to in (("link", "plain"), ("to-granted", "granted"), ("circle", "circle")):
            os.symlink(to, f"{t}/out/{name}")
        os.mkfifo(t + "/out/fifo")
        shutil.copy(HERE + "/opens_inside.py", t + "/ws/inside.py")
        for base, dirs, files in os.walk(t):
            for x in [base] + [f"{base}/{y}" for y in files]:
                os.chown(x, user.pw_uid, user.pw_gid, follow_symlinks=False)
        os.chmod(t + "/out/granted", 0o666)
        if IS_ROOT:
            os.chown(t + "/out/granted", 0, 0)

    def policy(self, *rules, **more):
        t = self.top
        files = list(rules) + [
            {"id": "ws", "path": [t + "/ws", t + "/ws/**"], "ops": "all", "decision": "allow"},
            {"id": "tmp", "path": ["/tmp", "/tmp/**"], "ops": "all", "decision": "allow"},
            {"id": "all", "path": ["/", "/**"], "ops": ["list", "stat", "read", "exec"], "decision": "allow"}]
        with open(t + "/policy.json", "w") as f:
            json.dump({"version": 1, "name": "opens", "files": files,
                       "defaults": {"files": "deny", "commands": "allow", "network": "deny", "sockets": "deny"}, **more}, f)

    def become(self):
        os.setsid()
        if IS_ROOT:
            os.initgroups(self.user.pw_name, self.user.pw_gid)
            os.setgid(self.user.pw_gid)
            os.setuid(self.user.pw_uid)

    def run(self, *command, options=("--quiet",)):
        env = dict(PATH="/usr/local/bin:/usr/bin:/bin", HOME=self.top + "/home", USER=self.user.pw_name,
                   XDG_STATE_HOME=self.top + "/state", LC_ALL="C.UTF-8")
        p = subprocess.run([AGENTSH, *options, "--policy", self.top + "/policy.json", "--workspace", self.top + "/ws",
                            "--", *command], cwd=self.top + "/ws", env=env, preexec_fn=self.become, timeout=120,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return p.stdout, p.stderr

    def inside(self):
        out, err = self.run("/usr/bin/python3", "inside.py", self.top)
        return dict(l.split(": ", 1) if not l.startswith(("given", "elsewhere")) else
                    (l.split(": ", 2)[0] + ": " + l.split(": ", 2)[1], l.split(": ", 2)[2])
                    for l in out.splitlines() if ": " in l), err

    def log(self):
        """The newest session's open events"""
        path = max(glob.glob(self.top + "/state/**/audit.jsonl", recursive=True), key=os.path.getmtime)
        return [e for e in map(json.loads, open(path)) if e["layer"] == "open"]

    def gone(self):
        shutil.rmtree(self.top, ignore_errors=True)


def rules(p):
    grant = [{"id": "grant", "path": p.top + "/out/granted", "ops": ["write", "truncate"], "decision": "allow"}] if IS_ROOT else []
    return grant + [
        {"id": "elsewhere", "path": p.top + "/out/redirected", "ops": ["write", "create", "truncate"],
         "decision": "redirect", "to": "${WORKSPACE}/target"},
        {"id": "made", "path": p.top + "/out/not-there", "ops": ["write", "create", "truncate"],
         "decision": "redirect", "to": "${WORKSPACE}/other"}]


def nested(tap, p):
    """Where programs may have roots of their own, the resolver looks"""
    p.policy(*rules(p), nested=True)
    out, err = p.run("sh", "-c", "cd ../out; echo a > redirected; echo b > not-there; echo c > plain; echo d > new; "
                     "cat ../ws/target ../ws/other; rm ../ws/target ../ws/other")
    tap.ok(out == "a\nb\n" and err.count("cannot create") == 2, "with nested allowed too", out + err)


def compare(tap, p):
    p.policy()
    plan = json.loads(p.run("true", options=("--dry-run", "--json"))[0])
    tap.ok(plan["traps_opens"] is False, "with nothing to decide outside, no open is trapped", plan)
    free, _ = p.inside()
    p.policy(*rules(p))
    plan = json.loads(p.run("true", options=("--dry-run", "--json"))[0])
    tap.ok(plan["traps_opens"] is True, "with a redirect there, opens are", plan)
    got, err = p.inside()
    native = [n for n in free if n not in REFUSED and not n.startswith(("given", "elsewhere"))]
    tap.ok(len(native) >= 35, "both told all they saw", f"{len(native)}\n{err}")
    for name in native:
        tap.ok(got.get(name) == free[name], f"{name}: as natively ({free[name]})", f"got {got.get(name)}")
    for name in REFUSED:
        tap.ok(got.get(name) == "EACCES", f"refused: {name}", f"got {got.get(name)}")
        tap.ok(free.get(name) in ("EROFS", "EACCES"), f"refused without the doorman too: {name}", f"got {free.get(name)}")
    tap.ok(err.count("agentsh: denied") >= 1 and err.count("write") < 12, "said, and not again and again", err)
    return got


def decisions(tap, p, got):
    for name, want in GIVEN.items() if IS_ROOT else ():
        tap.ok(got.get("given: " + name) == want, f"given: {name}", f"got  {got.get('given: ' + name)}\nwant {want}")
    with open(p.top + "/out/redirected") as f:
        tap.ok(f.read() == "original", "a redirected file itself is untouched")
    for name, want in ELSEWHERE.items():
        seen = got.get("elsewhere: " + name)
        tap.ok(seen == want if want else seen not in (None, "EACCES"), f"elsewhere: {name}", f"got  {seen}\nwant {want}")
    log = p.log()
    for rule, decision in (("grant", "allow"), ("elsewhere", "redirect"), ("tmp", "allow"), ("default", "deny")):
        tap.ok(not IS_ROOT and rule == "grant" or any(e["rule"] == rule and e["decision"] == decision for e in log),
               f"recorded: {decision} by {rule}", log[:40])
    tap.ok(all(e["op"] in ("write", "create", "truncate") for e in log), "and nothing that only reads", log[:40])


def main():
    tap = Tap()
    p = Place(USER)
    try:
        nested(tap, p)
        decisions(tap, p, compare(tap, p))
    finally:
        p.gone()
    served(tap, USER)
    if IS_ROOT:
        dead(tap)
        served(tap, ROOT)
        as_root(tap)
    tap.done()


ALL = ["read", "write", "create", "truncate"]
SERVED = [
    ("it is not there yet", "cat moved.conf 2>&1; ls", "No such file"),
    ("made", "umask 027; echo one > moved.conf; cat moved.conf; stat -c %a,%s moved.conf", "one\n640,4\n"),
    ("added to", "echo two >> moved.conf; cat moved.conf", "one\ntwo\n"),
    ("cut", "truncate -s 2 moved.conf; cat moved.conf; printf x > moved.conf; cat moved.conf", "onx"),
    ("by a link", "ln -s moved.conf link; cat link; echo >> link; stat -c %s moved.conf", "x2\n"),
    ("mapped", "python3 -c \"import mmap; f = open('moved.conf', 'r+'); m = mmap.mmap(f.fileno(), 0); m[0:1] = b'y'; m.flush()\"; cat moved.conf",
     "y\n"),
    ("its mode", "chmod 600 moved.conf; stat -c %a moved.conf", "600\n"),
    ("neither removed", "rm -f moved.conf 2>&1; cat moved.conf", "Permission denied"),
    ("nor renamed", "mv moved.conf other 2>&1; ls other 2>&1; cat moved.conf", "No such file"),
    ("nor replaced", "echo new > new; mv -f new moved.conf 2>&1; cat moved.conf", "y\n"),
    ("nor linked", "ln moved.conf hard 2>&1; ls hard 2>&1", "No such file"),
    ("one that stood is not seen", "cat stood.conf; echo more >> stood.conf; cat stood.conf", "kept\nkept\nmore\n"),
    ("a link at the target", "ln -sf secret planted-target; cat planted.conf; echo > planted.conf", "Permission denied"),
]


def served(tap, user):
    """In the workspace a redirected name is the target, altogether"""
    p, who = Place(user), " as root" if user.pw_uid == 0 else ""
    t = p.top
    try:
        os.mkdir(t + "/kept")
        for name, text in (("ws/stood.conf", "original\n"), ("kept/stood.conf", "kept\n"), ("ws/secret", "SECRET\n")):
            with open(f"{t}/{name}", "w") as f:
                f.write(text)
        for x in ("kept", "ws/stood.conf", "kept/stood.conf", "ws/secret"):
            os.chown(f"{t}/{x}", user.pw_uid, user.pw_gid)
        p.policy({"id": "secret", "path": t + "/ws/secret", "ops": "read", "decision": "deny"},
                 {"id": "moved", "path": t + "/ws/moved.conf", "ops": ALL, "decision": "redirect", "to": t + "/kept/moved.conf"},
                 {"id": "stood", "path": t + "/ws/stood.conf", "ops": ALL, "decision": "redirect", "to": t + "/kept/stood.conf"},
                 {"id": "planted", "path": t + "/ws/planted.conf", "ops": ALL, "decision": "redirect",
                  "to": "${WORKSPACE}/planted-target"})
        for name, script, want in SERVED:
            out, err = p.run("sh", "-c", script)
            tap.ok(want in out + err and "SECRET" not in out and "original" not in out, f"served: {name}{who}", f"{out}{err}")
        tap.ok(not os.path.exists(t + "/ws/moved.conf"), f"nothing is made beside it{who}")
        for name, want in (("kept/moved.conf", "y\n"), ("kept/stood.conf", "kept\nmore\n"), ("ws/stood.conf", "original\n"),
                           ("ws/secret", "SECRET\n")):
            with open(f"{t}/{name}") as f:
                text = f.read()
            tap.ok(text == want, f"outside: {name}{who}", repr(text))
        logs = [json.loads(l) for g in glob.glob(t + "/state/**/audit.jsonl", recursive=True) for l in open(g)]
        tap.ok(any(e.get("rule") == "moved" and e["decision"] == "redirect" for e in logs), f"recorded{who}")
        p.policy({"id": "half", "path": t + "/ws/x", "ops": ["write"], "decision": "redirect", "to": t + "/kept/x"})
        _, err = p.run("true")
        tap.ok("together" in err, f"half a redirect is refused{who}", err)
    finally:
        p.gone()


class DeadServer:
    """A file system whose server says that it is there, and then nothing more"""

    def __init__(self, where):
        self.where = where
        self.fd = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self.fd},rootmode=40000,user_id=0,group_id=0,allow_other"
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"dead", where.encode(), b"fuse", 0, options.encode()):
            raise OSError(ctypes.get_errno(), "mount")
        self.asked = threading.Event()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                request = os.read(self.fd, 1 << 20)
            except OSError:
                return
            opcode, unique = struct.unpack_from("<IQ", request, 4)
            if opcode == 26:	# INIT
                body = struct.pack("<IIIIHHIIHHI", 7, 31, 0, 0, 0, 0, 4096, 1, 1, 0, 0) + b"\0" * 28
            elif opcode == 3:	# GETATTR: the root of it is a directory
                body = struct.pack("<QII", 60, 0, 0) + struct.pack("<6Q3I", 1, 0, 0, 0, 0, 0, 0, 0, 0) + \
                    struct.pack("<7I", 0o40755, 2, 0, 0, 0, 4096, 0)
            else:
                self.asked.set()
                continue
            os.write(self.fd, struct.pack("<IiQ", 16 + len(body), 0, unique) + body)

    def gone(self):
        ctypes.CDLL(None).umount2(self.where.encode(), 1 | 2)	# by force: whoever waits gets ECONNABORTED


def dead(tap):
    """Who waits for a dead server waits alone"""
    p = Place(USER)
    server = DeadServer(p.top + "/out/dir")
    try:
        p.policy(*rules(p))
        done = []
        script = ("(echo x > ../out/dir/file) & sleep 0.5; n=0; while [ $n -lt 200 ]; do echo y >> /tmp/y; n=$((n + 1)); done; "
                  "echo through > ../out/redirected; cat target; kill -9 $!")
        t = threading.Thread(target=lambda: done.append(p.run("sh", "-c", script)))
        t.start()
        t.join(20)
        tap.ok(server.asked.is_set(), "a dead server was asked")
        tap.ok(done and done[0][0] == "through\n", "and nobody else waited", done)
    finally:
        server.gone()
        t.join(20)
        p.gone()


def as_root(tap):
    """A caged root has no power over other people's files, and so has none by the doorman"""
    p = Place(ROOT)
    try:
        for name, owner, mode in (("shut", USER.pw_uid, 0o600), ("open", USER.pw_uid, 0o666), ("own", 0, 0o600)):
            with open(f"{p.top}/{name}", "w") as f:
                f.write("before")
            os.chown(f.name, owner, owner)
            os.chmod(f.name, mode)
        p.policy(*({"id": n, "path": f"{p.top}/out/{n}", "ops": ["write", "create", "truncate"], "decision": "redirect",
                    "to": f"{p.top}/{n}"} for n in ("shut", "open", "own")))
        for name, want in (("shut", "before"), ("open", "after\n"), ("own", "after\n")):
            _, err = p.run("sh", "-c", f"echo after > {p.top}/out/{name}")
            with open(f"{p.top}/{name}") as f:
                text = f.read()
            tap.ok(text == want, f"a caged root and another's file: {name}", f"{text!r}\n{err}")
    finally:
        p.gone()


main()
