#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/integration/opens_inside.py TOP - opens that may change something, as a program inside sees them

opens.t runs it in sessions that trap such opens and in one that does not, and
compares. One line a case: name, result.
"""
import ctypes
import errno
import os
import resource
import struct
import subprocess
import sys
import threading
import time

TOP = sys.argv[1]
OUT = TOP + "/out/"
libc = ctypes.CDLL(None, use_errno=True)
W, R, RW, C, T, X = os.O_WRONLY, os.O_RDONLY, os.O_RDWR, os.O_CREAT, os.O_TRUNC, os.O_EXCL
CASES = []


def case(f):
    CASES.append(f)
    return f


def tell(name, f):
    try:
        r = f()
    except OSError as e:
        r = errno.errorcode.get(e.errno, str(e))
    print(f"{name}: {r}", flush=True)


def opens(path, flags, mode=0o600, **kw):
    """The access mode and status flags it came to have, or the errno"""
    import fcntl
    fd = os.open(path, flags, mode, **kw)
    got = fcntl.fcntl(fd, fcntl.F_GETFL) & (os.O_ACCMODE | os.O_APPEND | os.O_NONBLOCK | os.O_SYNC)
    os.close(fd)
    return oct(got)


def openat2(path, flags, resolve=0, mode=0, size=24):
    how = struct.pack("QQQ", flags, mode, resolve) + b"\0" * 8
    fd = libc.syscall(437, -100, path.encode(), how, size)
    if fd < 0:
        raise OSError(ctypes.get_errno(), path)
    os.close(fd)
    return "opened"


def raw(*args):
    r = libc.syscall(*args)
    if r < 0:
        raise OSError(ctypes.get_errno(), "")
    return r


# ---- the kernel's own answers, whoever looks first; {OUT} may be read only, but for what "inside" says ----

PLAIN = [
    ("absent", lambda: opens(OUT + "nothing", W)), ("absent folder", lambda: opens(OUT + "no/thing", W | C)),
    ("a folder", lambda: opens(OUT + "dir", W)), ("a folder to be made", lambda: opens(OUT + "dir", W | C)),
    ("a folder by name", lambda: opens(OUT + "dir/", RW | C)),
    ("a file as a folder", lambda: opens(OUT + "plain/", W)), ("beneath a file", lambda: opens(OUT + "plain/x", W)),
    ("a folder wanted", lambda: opens(OUT + "plain", W | os.O_DIRECTORY)),
    ("it must not exist", lambda: opens(OUT + "plain", W | C | X)),
    ("a link must not be followed", lambda: opens(OUT + "link", W | os.O_NOFOLLOW)),
    ("a link must not exist", lambda: opens(OUT + "link", W | C | X)),
    ("links in a circle", lambda: opens(OUT + "circle", W)),
    ("a name too long", lambda: opens(OUT + "n" * 256, W)), ("a path too long", lambda: opens("/" + "n/" * 2100, W)),
    ("no name", lambda: opens("", W)), ("a bad pointer", lambda: raw(257, -100, 8, W, 0)),
    ("a bad folder", lambda: raw(257, 999, b"x", W, 0)),
    ("nobody reads the pipe", lambda: opens(OUT + "fifo", W | os.O_NONBLOCK)),
    ("nameless, for reading", lambda: opens(OUT + "dir", os.O_TMPFILE)),
    ("only a place", lambda: opens(OUT + "plain", os.O_PATH | T | W)),
    ("looked at only", lambda: opens(OUT + "plain", R | C)),
    ("openat2 of a size too small", lambda: openat2(OUT + "plain", W, size=8)),
    ("openat2 that asks for the unknown", lambda: openat2(OUT + "plain", R, resolve=1 << 40)),
    ("openat2 that only reads", lambda: openat2(OUT + "plain", R)),
    ("openat2 that stays beneath", lambda: openat2(OUT + "plain", W, resolve=8)),
    ("null", lambda: opens("/dev/null", RW)), ("null made", lambda: opens("/dev/null", W | C | T)),
    ("a descriptor's link", lambda: opens("/proc/self/fd/1", W)), ("stdout", lambda: opens("/dev/stdout", W)),
    ("private tmp", lambda: opens("/tmp/x", RW | C | os.O_APPEND)),
    ("private tmp again", lambda: opens("/tmp/x", RW | C | X)),
    ("nameless in tmp", lambda: opens("/tmp", os.O_TMPFILE | RW)),
    ("in the workspace", lambda: opens("made", W | C | T)),
    ("through dots", lambda: opens("/tmp/../tmp/./y", W | C)),
]


@case
def memory():
    fd = os.memfd_create("m")
    os.write(fd, b"12345")
    os.truncate(f"/proc/self/fd/{fd}", 2)
    return opens(f"/proc/self/fd/{fd}", W | os.O_APPEND), os.fstat(fd).st_size


@case
def no_descriptor_left():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        return opens("/tmp/x", W | C)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@case
def a_folder_that_is_gone():
    os.mkdir("/tmp/gone")
    os.chdir("/tmp/gone")
    os.rmdir("/tmp/gone")
    try:
        return opens("x", W | C)
    finally:
        os.chdir(TOP + "/ws")


@case
def relative_to_a_descriptor():
    fd = os.open("/tmp", os.O_DIRECTORY)
    return opens("z", W | C, dir_fd=fd), os.path.exists("/tmp/z")


@case
def a_pipe_holds_nobody_up():
    """One waits for somebody to read; the others are answered"""
    t = threading.Thread(target=lambda: os.open(OUT + "fifo", W), daemon=True)
    t.start()
    time.sleep(0.1)
    start = time.monotonic()
    opens("/tmp/x", W | C)
    waits, quick = t.is_alive(), time.monotonic() - start < 1
    fd = os.open(OUT + "fifo", R | os.O_NONBLOCK)
    t.join(5)
    os.close(fd)
    return waits, quick, t.is_alive()


# ---- what the policy refuses, grants and redirects ----

def refusals():
    yield "for writing", lambda: opens(OUT + "plain", W)
    yield "for both", lambda: opens(OUT + "plain", RW)
    yield "cut by reading", lambda: opens(OUT + "plain", R | T)
    yield "cut by name", lambda: os.truncate(OUT + "plain", 0)
    yield "through a link", lambda: opens(OUT + "link", W)
    yield "made", lambda: opens(OUT + "new", W | C)
    yield "made for good", lambda: opens(OUT + "new", W | C | X)
    yield "made by creat", lambda: raw(85, (OUT + "new").encode(), 0o600)
    yield "nameless", lambda: opens(OUT + "dir", os.O_TMPFILE | RW)
    yield "openat2", lambda: openat2(OUT + "plain", W)


def text(path):
    with open(path) as f:
        return f.read()


def append(path, what, flags=W | os.O_APPEND):
    fd = os.open(path, flags)
    os.write(fd, what)
    os.close(fd)
    return text(path)


def granted():
    """OUT/granted belongs to somebody else, who lets everybody write it"""
    path = OUT + "granted"
    yield "given: appended", lambda: append(path, b"2")
    yield "given: written", lambda: append(path, b"X", W)
    yield "given: cut", lambda: append(path, b"new", W | T)
    yield "given: creat", lambda: (os.close(raw(85, path.encode(), 0o600)), text(path))[1]
    yield "given: both", lambda: opens(path, RW | os.O_SYNC | os.O_NONBLOCK | os.O_APPEND)
    yield "given: to be made", lambda: opens(path, W | C)
    yield "given: must not exist", lambda: opens(path, W | C | X)
    yield "given: by a link", lambda: append(OUT + "to-granted", b"linked")
    yield "given: a link not followed", lambda: opens(OUT + "to-granted", W | os.O_NOFOLLOW)
    yield "given: by dots", lambda: opens(OUT + "dir/../granted", W)
    yield "given: from a folder", lambda: opens("granted", W, dir_fd=os.open(OUT, os.O_DIRECTORY))
    yield "given: openat2", lambda: openat2(path, W, resolve=4)
    yield "given: truncate", lambda: (os.truncate(path, 3), text(path))[1]
    yield "given: truncate below nothing", lambda: os.truncate(path, -1)
    yield "given: kept over exec", lambda: [kept_over_exec(path, f) for f in (0, os.O_CLOEXEC)]
    yield "given: with no descriptor left", lambda: full_table(path)
    yield "given: its mode", lambda: os.fchmod(os.open(path, W), 0o777)
    yield "given: what is above it", lambda: opens(f"/proc/self/fd/{os.open(path, W)}/..", R)
    yield "given: opened anew", lambda: opens(f"/proc/self/fd/{os.open(path, W)}", RW)
    yield "given: a place opened anew", lambda: opens(f"/proc/self/fd/{os.open(path, os.O_PATH)}", W)
    yield "given: linked", lambda: os.link(f"/proc/self/fd/{os.open(path, W)}", "stolen", follow_symlinks=True)
    yield "given: only read", lambda: opens(path, R)


def kept_over_exec(path, flag):
    fd = raw(257, -100, path.encode(), W | flag, 0)
    try:
        return subprocess.run(["sh", "-c", f"test -e /proc/self/fd/{fd}"], close_fds=False).returncode
    finally:
        os.close(fd)


def full_table(path):
    """EMFILE comes before the file is cut"""
    before = text(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        opens(path, W | T)
        got = "opened"
    except OSError as e:
        got = errno.errorcode[e.errno]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return got, text(path) == before


def limited(f, size):
    import signal
    got = []
    signal.signal(signal.SIGXFSZ, lambda *_: got.append("SIGXFSZ"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        f()
    except OSError as e:
        got.append(errno.errorcode[e.errno])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return sorted(got)


def redirected():
    path, target = OUT + "redirected", TOP + "/ws/target"
    os.umask(0o027)
    yield "elsewhere: made", lambda: (append(path, b"one", W | C), text(target), oct(os.stat(target).st_mode & 0o777))
    yield "elsewhere: more", lambda: (append(path, b" two"), text(target))
    yield "elsewhere: cut", lambda: (append(path, b"three", W | C | T), text(target))
    yield "elsewhere: truncate", lambda: (os.truncate(path, 2), text(target))[1]
    yield "elsewhere: a name not there", lambda: (os.close(os.open(OUT + "not-there", W | C, 0o666)),
                                                  oct(os.stat(TOP + "/ws/other").st_mode & 0o777),
                                                  os.path.exists(OUT + "not-there"))[1:]
    yield "elsewhere: made to be read", lambda: (os.unlink(TOP + "/ws/other"), opens(OUT + "not-there", R | C),
                                                 os.path.exists(TOP + "/ws/other"))[1:]
    yield "elsewhere: larger than allowed", lambda: limited(lambda: os.truncate(path, 5000), 4096)
    yield "elsewhere: nameless there", lambda: opens(path, os.O_TMPFILE | RW)
    yield "elsewhere: a link planted", lambda: (os.unlink(target), os.symlink("/etc/passwd", target), opens(path, RW | C))
    yield "elsewhere: a pipe planted", lambda: (os.unlink(target), os.mkfifo(target), opens(path, RW | C))
    yield "elsewhere: a folder planted", lambda: (os.unlink(target), os.mkdir(target), opens(path, RW | C))


def main():
    os.chdir(TOP + "/ws")
    for name, f in PLAIN:
        tell(name, f)
    for f in CASES:
        tell(f.__name__.replace("_", " "), f)
    for rest in (refusals, granted, redirected):
        for name, f in rest():
            tell(name, f)


main()
