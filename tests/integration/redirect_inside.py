# SPDX-License-Identifier: Apache-2.0
"""tests/integration/redirect_inside.py BIN - inside the cage of redirect.t: tells facts as JSON, one a line"""
import ctypes
import json
import os
import pty
import signal
import subprocess
import sys
import threading

BIN = sys.argv[1]
ASKED, OTHER, PLAIN = BIN + "/asked", BIN + "/other", BIN + "/plain"
libc = ctypes.CDLL(None, use_errno=True)


def tell(name, value):
    print(json.dumps([name, value]), flush=True)


def report(out):
    """The facts of one report: each a list of its lines"""
    facts = {}
    for line in out.split("\n"):
        key, _, rest = line.partition(" ")
        facts.setdefault(key, []).append(rest)
    return facts


def run(argv, **kw):
    p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw)
    return p.returncode, report(p.stdout.decode(errors="replace")), p.stderr.decode()


def error(call):
    try:
        call()
    except OSError as e:
        return e.strerror
    return "worked"


def words(facts):
    return [a.split(" ", 2)[2] for a in facts.get("arg", [])]


def argv_lengths():
    bad = []
    for n in (0, 1, 7, 8, 100, 4096, 100000, 131071):
        status, f, err = run([ASKED, "x" * n])
        want = [OTHER, "first", "x" * min(n, 60), "last"]
        if status or words(f) != want or f["arg"][2].split()[0] != str(n) or f["exe"] != [OTHER]:
            bad.append((n, status, f.get("exe"), err[-200:]))
    return bad


def argv_counts():
    bad = []
    for n in (0, 1, 2, 3, 255, 256, 257, 20000):
        status, f, err = run([ASKED] + [f"a{i}" for i in range(n)])
        if status or words(f) != [OTHER, "first"] + [f"a{i}" for i in range(n)] + ["last"]:
            bad.append((n, status, f.get("argc"), err[-200:]))
    status, f, err = run([ASKED] + ["y" * 1000] * 1500)
    if f.get("argc") != ["1503"]:
        bad.append(("1.5 MB", status, err[-200:]))
    return bad


def without_argv():
    pid = os.fork()
    if pid == 0:
        array = (ctypes.c_char_p * 1)(None)
        os.dup2(os.open("noargv", os.O_CREAT | os.O_WRONLY | os.O_TRUNC), 1)
        libc.execve(ASKED.encode(), array, array)
        os._exit(9)
    os.waitpid(pid, 0)
    with open("noargv") as f:
        return words(report(f.read()))


def same_task():
    """All that a redirected program has from its caller, against the same program called by its own name"""
    bad = []
    os.umask(0o027)
    r, w = os.pipe()
    os.set_inheritable(w, True)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    env = {"A": "1", "LONG": "z" * 5000, "PATH": os.environ["PATH"]}
    got = {}
    for name in (ASKED, PLAIN):
        p = subprocess.Popen([name, "q"], stdout=subprocess.PIPE, env=env, cwd="/tmp", pass_fds=[w], restore_signals=False)
        f = report(p.communicate()[0].decode())
        ids = f["ids"][0].split()
        if ids[0] != str(p.pid) or ids[1] != str(os.getpid()):
            bad.append(("pid", name, ids, p.pid))
        f["ids"] = ids[1:]
        got[name] = f
    for key in ("ids", "cwd", "env", "fd", "signals", "tty", "umask"):
        if got[ASKED].get(key) != got[PLAIN].get(key):
            bad.append((key, got[ASKED].get(key), got[PLAIN].get(key)))
    if got[ASKED]["signals"] != ["1 0"] or got[ASKED]["umask"] != ["27"] or f"{w}" not in got[ASKED]["fd"]:
        bad.append(("facts", got[ASKED]["signals"], got[ASKED]["fd"]))
    return bad


def pending_signal():
    """One that is blocked and pending stays so"""
    p = subprocess.Popen([ASKED], stdout=subprocess.PIPE, preexec_fn=lambda: (
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2]), os.kill(os.getpid(), signal.SIGUSR2)))
    return report(p.communicate()[0].decode())["signals"][0].split()[1]


def pipes():
    p = subprocess.run(f"printf 'abc' | REPORT_COPY=1 {ASKED} | tail -c 3", shell=True, stdout=subprocess.PIPE)
    return p.stdout.decode()


def statuses():
    return [run([ASKED], env=dict(os.environ, REPORT_STATUS=str(n)))[0] for n in (0, 1, 77, 255)]


def terminal():
    out = b""
    pid, fd = pty.fork()
    if pid == 0:
        try:
            os.execv(ASKED, [ASKED])
        finally:
            os._exit(9)
    while True:
        try:
            chunk = os.read(fd, 4096)
        except OSError:
            break
        if not chunk:
            break
        out += chunk
    os.waitpid(pid, 0)
    return report(out.decode().replace("\r", ""))["tty"]


def by_thread():
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(w, 1)
        threading.Thread(target=lambda: os.execv(ASKED, [ASKED, "t"])).start()
        threading.Event().wait(10)
        os._exit(9)
    os.close(w)
    out = os.fdopen(r).read()
    os.waitpid(pid, 0)
    f = report(out)
    return [f["exe"] == [OTHER], f["ids"][0].split()[0] == str(pid), words(f)]


def by_spawn():
    r, w = os.pipe()
    pid = os.posix_spawn(ASKED, [ASKED, "s"], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, w, 1)])
    os.close(w)
    out = os.fdopen(r).read()
    os.waitpid(pid, 0)
    return words(report(out))


def by_descriptor(how):
    """execveat(AT_EMPTY_PATH), or the name of the descriptor"""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(w, 1)
        fd = os.open(ASKED, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.execve(fd if how == "fd" else how % fd, [ASKED, "d"], os.environ)
        except OSError as e:
            os.write(1, f"failed {e}".encode())
        os._exit(9)
    os.close(w)
    out = os.fdopen(r).read()
    os.waitpid(pid, 0)
    f = report(out)
    return words(f) if f.get("exe") == [OTHER] else out[:200]


def loader():
    ld = next(p for p in ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1") if os.path.exists(p))
    return [words(run([ld, ASKED, "l"])[1]), words(run([ld, "--argv0", "name", ASKED, "l"])[1]),
            words(run([ld, PLAIN, "l"])[1])[1:]]


def storm():
    """Many at once, among others that are not redirected"""
    bad = []

    def some(n):
        for i in range(25):
            status, f, err = run([ASKED if i % 2 else PLAIN, f"{n}-{i}"])
            if status or f["exe"] != [OTHER if i % 2 else PLAIN] or f"{n}-{i}" not in words(f):
                bad.append((n, i, status, f.get("exe"), err[-100:]))
    threads = [threading.Thread(target=some, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return bad


def signals_on_the_way():
    """SIGSTOP, SIGCONT and SIGWINCH sent while it is made to exec again"""
    bad = 0
    for i in range(60):
        p = subprocess.Popen([ASKED, "x"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for s in (signal.SIGWINCH, signal.SIGSTOP, signal.SIGCONT, signal.SIGSTOP, signal.SIGCONT):
            p.send_signal(s)
        out = p.communicate(timeout=20)[0].decode()
        bad += p.returncode != 0 or report(out).get("exe") != [OTHER]
    return bad


def killed_on_the_way():
    """Nobody is left behind, and nothing waits for it"""
    for i in range(60):
        p = subprocess.Popen([ASKED, "x"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        p.kill()
        p.wait(timeout=20)
    return run([ASKED])[0]


def env_of(f):
    return sorted(e.split(" ", 2)[2] for e in f.get("env", []) if not e.split(" ", 2)[2].startswith(("PWD=", "OLDPWD=", "_=", "SHLVL=")))


def each():
    """The rules for every program: what is removed, what is set, whoever starts it and however"""
    env = {"SECRET_ONE": "1", "KEEP": "k", "SETLONG": "short", "PATH": "/usr/bin:/bin"}
    want = ["KEEP=k", "PATH=/usr/bin:/bin", "SETLONG=" + "v" * 52]
    bad = []
    for argv in ([PLAIN], [BIN + "/static"], [BIN + "/script"], [ASKED], ["/bin/sh", "-c", f"SECRET_TWO=2 {PLAIN}"],
                 ["/usr/bin/env", "SECRET_THREE=3", BIN + "/static"]):
        status, f, err = run(argv, env=env)
        if status or env_of(f) != want or "204" not in [e.split()[0] for e in f["env"]]:
            bad.append((argv, status, env_of(f), err[-200:]))
    status, f, err = run([PLAIN], env={"PATH": "/bin", "SETLONG": "v" * 196})
    if env_of(f) != ["PATH=/bin", "SETLONG=" + "v" * 52]:
        bad.append(("nothing to change", env_of(f)))
    status, f, err = run([PLAIN], env={})
    if env_of(f) != ["SETLONG=" + "v" * 52]:
        bad.append(("none at all", env_of(f)))
    p = subprocess.run(["/bin/grep", "-c", "S[E]CRET_ONE", "/proc/self/environ"], env=env, stdout=subprocess.PIPE)
    if p.stdout.strip() != b"0":
        bad.append(("environ", p.stdout))
    for how in ("fd", "/proc/self/fd/%d"):
        r, w = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.dup2(w, 1)
            fd = os.open(BIN + "/static", os.O_RDONLY | os.O_CLOEXEC)
            os.execve(fd if how == "fd" else how % fd, ["static"], env)
        os.close(w)
        out = os.fdopen(r).read()
        os.waitpid(pid, 0)
        if env_of(report(out)) != want:
            bad.append((how, out[:200]))
    return bad


def traced():
    """Whom somebody traces the doorman cannot hold: no redirect, no other environment, and all else as ever"""
    got = []
    for program, env in ((PLAIN, {"SETLONG": "v" * 196}), (PLAIN, {"SECRET_ONE": "1"}), (ASKED, {"SETLONG": "v" * 196})):
        r, w = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.dup2(w, 1)
            libc.ptrace(0, 0, 0, 0)
            try:
                os.execve(program, ["x"], env)
            except OSError as e:
                os.write(1, b"failed " + e.strerror.encode())
            os._exit(9)
        os.close(w)
        while True:
            _, status = os.waitpid(pid, 0)
            if not os.WIFSTOPPED(status):
                break
            libc.ptrace(7, pid, 0, 0)
        f = report(os.fdopen(r).read())
        got.append(f.get("exe", f.get("failed")))
    return got


CASES = [
    ("argv_lengths", argv_lengths), ("argv_counts", argv_counts), ("without_argv", without_argv),
    ("same_task", same_task), ("pending_signal", pending_signal), ("pipes", pipes), ("statuses", statuses),
    ("terminal", terminal), ("by_thread", by_thread), ("by_spawn", by_spawn),
    ("by_descriptor", lambda: by_descriptor("fd")), ("by_proc_name", lambda: by_descriptor("/proc/self/fd/%d")),
    ("loader", loader), ("storm", storm), ("signals_on_the_way", signals_on_the_way),
    ("killed_on_the_way", killed_on_the_way),
    ("interpreter", lambda: words(run([BIN + "/by-asked", "s"])[1])),
    ("to_script", lambda: words(run([BIN + "/to-script", "s"])[1])),
    ("no_loop", lambda: [words(run([BIN + "/ping"])[1]), words(run([BIN + "/pong"])[1]), words(run([BIN + "/self"])[1])]),
    ("denied_target", lambda: error(lambda: run([BIN + "/to-denied"]))),
    ("missing_target", lambda: error(lambda: run([BIN + "/to-missing"]))),
    ("missing_program", lambda: error(lambda: run([BIN + "/absent/asked"]))),
    ("along_path", lambda: run([BIN + "/to-name", "n"], env={"PATH": "/nowhere"})[1].get("exe")),
    ("by_program", lambda: [run([BIN + "/by"])[1].get("exe"),
                            run(["/bin/sh", "-c", BIN + "/by; :"])[1].get("exe")]),
    ("arguments", lambda: [run([BIN + "/some", "yes"])[1].get("exe"), run([BIN + "/some", "no"])[1].get("exe")]),
]
EACH = [("each", each), ("argv_lengths", argv_lengths), ("same_task_each", same_task), ("by_thread", by_thread)]

LOOSE = EACH + [("traced", traced)]

for name, case in {"each": EACH, "loose": LOOSE}[sys.argv[2]] if len(sys.argv) > 2 else CASES:
    try:
        tell(name, case())
    except Exception as e:      # the outside says what it expected
        tell(name, f"{type(e).__name__}: {e}")
