# SPDX-License-Identifier: Apache-2.0
"""tests/integration/programs_inside.py BIN - starts programs in every way there is; tells what came of each as JSON"""
import ctypes
import glob
import json
import os
import subprocess
import sys
import threading

BIN = sys.argv[1]
GOOD, BAD = BIN + "/good", BIN + "/bad"     # both say "ran NAME"
LOADER = next(p for p in ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1") if os.path.exists(p))
LIBC = os.path.dirname(os.path.realpath(glob.glob("/lib/*-linux-gnu/libc.so.6")[0]))
libc = ctypes.CDLL(None, use_errno=True)


def run(argv, **kw):
    """Its output, or the errno"""
    try:
        p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **kw)
        return p.stdout.decode().strip() or p.returncode
    except OSError as e:
        return e.strerror


def execs(call):
    """What a child that calls call() becomes"""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(w, 1)
        try:
            call()
        except OSError as e:
            os.write(1, e.strerror.encode())
        os._exit(9)
    os.close(w)
    with os.fdopen(r) as f:
        out = f.read().strip()
    os.waitpid(pid, 0)
    return out


def execveat(fd, path, flags):
    argv = (ctypes.c_char_p * 2)(b"name", None)
    env = (ctypes.c_char_p * 1)(None)
    libc.syscall(ctypes.c_long({"x86_64": 322, "aarch64": 281}[os.uname().machine]), fd, path, argv, env, flags)
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def content(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, data, mode=0o755):
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, mode)
    return path


def memory(data):
    fd = os.memfd_create("program", 0)
    os.write(fd, data)
    return fd


def nameless(data):
    fd = os.open(BIN, os.O_TMPFILE | os.O_RDWR, 0o755)
    os.write(fd, data)
    other = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY)
    os.close(fd)
    return other


def deleted(path):
    write(BIN + "/gone", content(path))
    fd = os.open(BIN + "/gone", os.O_RDONLY)
    os.unlink(BIN + "/gone")
    return fd


def scripts(program):
    out = [run([write(f"{BIN}/s1", f"#!{program} -x\n".encode())])]
    for n in range(2, 7):
        write(f"{BIN}/s{n}", f"#!{BIN}/s{n - 1}\n".encode())
        out.append(run([f"{BIN}/s{n}"]))
    return out


def loader(program):
    out = [run([LOADER, program])]
    for options in (["--argv0", "x"], ["--library-path", LIBC], ["--inhibit-cache"], ["--preload", ""],
                    ["--inhibit-rpath", "", "--argv0", "y"]):
        out.append(run([LOADER] + options + [program]))
    return out


def by_descriptor(program):
    fd = os.open(program, os.O_RDONLY)
    pathfd = os.open(program, os.O_PATH)
    top = os.open(BIN, os.O_PATH | os.O_DIRECTORY)
    return [execs(lambda: os.execve(fd, ["x"], {})), execs(lambda: execveat(pathfd, b"", 0x1000)),
            execs(lambda: execveat(top, os.path.basename(program).encode(), 0)),
            execs(lambda: os.execv(f"/proc/self/fd/{fd}", ["x"])), execs(lambda: os.execv(f"/dev/fd/{fd}", ["x"]))]


def by_thread(program):
    def go():
        try:
            os.execv(program, ["x"])
        except OSError as e:
            os.write(1, e.strerror.encode())
            os._exit(9)

    def call():
        threading.Thread(target=go).start()
        threading.Event().wait(10)
    return execs(call)


def by_spawn(program):
    r, w = os.pipe()
    try:
        pid = os.posix_spawn(program, ["x"], {}, file_actions=[(os.POSIX_SPAWN_DUP2, w, 1)])
        os.waitpid(pid, 0)
        os.close(w)
        return os.read(r, 100).decode().strip()
    except OSError as e:
        return e.strerror


def links(program):
    for name in ("symlink", "hardlink"):
        if os.path.lexists(f"{BIN}/{name}"):
            os.unlink(f"{BIN}/{name}")
    os.symlink(program, BIN + "/symlink")
    return run([BIN + "/symlink"])


for name, case in (
        ("scripts", scripts), ("loader", loader), ("by_descriptor", by_descriptor), ("by_thread", by_thread),
        ("by_spawn", by_spawn), ("links", links), ("vfork", lambda p: run([p], close_fds=False)),
        ("shell", lambda p: run(["/bin/sh", "-c", f"exec {p}"])),
        ("relative", lambda p: run(["./" + os.path.basename(p)], cwd=BIN)),
        ("memory", lambda p: execs(lambda: execveat(memory(content(p)), b"", 0x1000))),
        ("memory_by_name", lambda p: execs(lambda: os.execv(f"/proc/self/fd/{memory(content(p))}", ["x"]))),
        ("nameless", lambda p: execs(lambda: execveat(nameless(content(p)), b"", 0x1000))),
        ("deleted", lambda p: execs(lambda: execveat(deleted(p), b"", 0x1000))),
        ("copied", lambda p: run([write(BIN + "/" + os.path.basename(p) + ".copy", content(p))])),
        ("unreadable", lambda p: execs(lambda: os.execv(write(BIN + "/unreadable", content(p), 0o111), ["x"]))),
        ("not_executable", lambda p: run([write(BIN + "/plain-text", content(p), 0o644)])),
        ("setuid_mode", lambda p: run([write(BIN + "/setuid", content(p), 0o4755)])),
        ("script_of_nothing", lambda p: run([write(BIN + "/nothing", b"#!/no/such/program\n")])),
        ("empty", lambda p: run([write(BIN + "/empty", b"")])),
        ("self", lambda p: execs(lambda: os.execv("/proc/self/exe", ["python3", "-c", "print('ran self')"])))):
    got = []
    for program in (GOOD, BAD):
        try:
            got.append(case(program))
        except Exception as e:      # the outside says what it expected
            got.append(f"{type(e).__name__}: {e}")
        for stray in ("unreadable", "setuid", "plain-text"):
            if os.path.exists(f"{BIN}/{stray}"):
                os.unlink(f"{BIN}/{stray}")
    print(json.dumps([name] + got), flush=True)
