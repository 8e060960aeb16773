#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/integration/doorman_inside.py PORT DENIED_PORT FULL_PORT UNIX_STREAM UNIX_DGRAM

What a program inside sees of sockets and programs; doorman.t runs it in a
session and compares the lines. One line a case: name, result.
"""
import ctypes
import errno
import os
import select
import signal
import socket
import struct
import sys
import threading
import time

PORT, DENIED, FULL = map(int, sys.argv[1:4])
UNIX_STREAM, UNIX_DGRAM = sys.argv[4:6]
LOOP = "127.0.0.1"
PATIENCE = int(os.environ.get("AGENTSH_PATIENCE", "1"))	# on a machine that is so many times slower
libc = ctypes.CDLL(None, use_errno=True)


def case(f):
    try:
        r = f()
    except OSError as e:
        r = errno.errorcode.get(e.errno, str(e))
    print(f"{f.__name__}: {r}", flush=True)


def connect(address, family=socket.AF_INET):
    with socket.socket(family) as s:
        s.connect(address)
        return "connected"


@case
def connect_allowed():
    return connect((LOOP, PORT))


@case
def connect_denied():
    return connect((LOOP, DENIED))


@case
def connect_any_is_loopback():
    return connect(("0.0.0.0", PORT))


@case
def connect_mapped():
    return connect(("::ffff:127.0.0.1", PORT), socket.AF_INET6)


@case
def connect_mapped_denied():
    return connect(("::ffff:127.0.0.1", DENIED), socket.AF_INET6)


def own_server(host, to, family=socket.AF_INET, bind=True):
    with socket.socket(family) as s:
        if bind:
            s.bind((host, 0))
        s.listen()
        port = s.getsockname()[1]
        first = connect((to, port), family)
    try:
        return first, connect((to, port), family)
    except OSError as e:
        return first, errno.errorcode[e.errno]


@case
def own_listener():
    return own_server(LOOP, LOOP)


@case
def own_listener_any():
    return own_server("", LOOP)


@case
def own_listener_unbound():
    return own_server("", LOOP, bind=False)


@case
def port_of_the_host():
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((LOOP, PORT))
        s.listen()


@case
def reuseport_outside():
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)


@case
def reuseport_inside():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        return "set"


@case
def multipath():
    socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)


@case
def nonblocking():
    with socket.socket() as s:
        s.setblocking(False)
        r = s.connect_ex((LOOP, PORT))
        select.select([], [s], [], 5)
        return errno.errorcode.get(r, r), s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


@case
def time_limit():
    """The kernel's: SO_SNDTIMEO bounds a blocking connect"""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, 300000))
        s.connect((LOOP, FULL))


@case
def signal_ends_connect():
    class Alarm(Exception):
        pass

    def ring(*_):
        raise Alarm
    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    start = time.time()
    try:
        return connect((LOOP, FULL))
    except Alarm:
        return "ended" if time.time() - start < 2 else "late"


@case
def slow_connects_hold_up_nobody():
    children = []
    for _ in range(40):
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            try:
                connect((LOOP, FULL))
            except OSError:
                pass
            os._exit(0)
        children.append(child)
    time.sleep(0.5)
    start = time.time()
    status = os.system("/bin/true")
    took = time.time() - start
    for child in children:
        os.kill(child, signal.SIGTERM)
    ended = sum(os.WTERMSIG(os.waitpid(c, 0)[1]) == signal.SIGTERM for c in children)
    return status, "at once" if took < 2 * PATIENCE else took, ended


@case
def datagrams_inside():
    a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    a.bind((LOOP, 0))
    b.sendto(b"x", a.getsockname())
    b.connect(a.getsockname())
    b.sendmsg([b"y", b"z"])
    return a.recv(9), a.recv(9)


@case
def interfaces():
    return [name for _, name in socket.if_nameindex()]


def unix_pair(path, kind=socket.SOCK_STREAM):
    listener, client = socket.socket(socket.AF_UNIX, kind), socket.socket(socket.AF_UNIX, kind)
    listener.bind(path)
    listener.listen()
    client.connect(path)
    server, _ = listener.accept()
    client.sendall(b"hi")
    got = server.recv(9), listener.getsockname() == path, client.getpeername() == path
    listener.close()
    server.close()
    try:
        connect(path, socket.AF_UNIX)
    except OSError as e:
        return got + (errno.errorcode[e.errno],)
    return got + ("connected to nobody",)


@case
def unix_absolute():
    return unix_pair(os.getcwd() + "/absolute.sock")


@case
def unix_relative():
    return unix_pair("relative.sock")


@case
def unix_in_tmp():
    return unix_pair("/tmp/doorman.sock")


@case
def unix_abstract():
    return unix_pair("\0doorman")


@case
def unix_of_the_host():
    return connect(UNIX_STREAM, socket.AF_UNIX)


@case
def unix_datagram():
    a, b = (socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2))
    a.bind("datagram.sock")
    b.sendto(b"q", "datagram.sock")
    b.sendmsg([b"r"], [], 0, os.getcwd() + "/datagram.sock")
    return a.recv(9), a.recv(9)


@case
def unix_datagram_of_the_host():
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"x", UNIX_DGRAM)


@case
def unix_datagram_of_the_host_sendmsg():
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendmsg([b"x"], [], 0, UNIX_DGRAM)


@case
def descriptors_are_passed():
    a, b = socket.socketpair()
    r, w = os.pipe()
    socket.send_fds(a, [b"F"], [w])
    os.write(socket.recv_fds(b, 9, 1)[1][0], b"through")
    return os.read(r, 9)


@case
def long_message():
    a, b = socket.socketpair()
    count = [0]

    def drain():
        while True:
            part = b.recv(65536)
            if not part:
                return
            count[0] += len(part)
    t = threading.Thread(target=drain)
    t.start()
    sent = a.sendmsg([b"x" * 1000000, b"y" * 2000000])
    a.close()
    t.join()
    return sent, count[0]


@case
def full_and_nonblocking():
    a, _keep = socket.socketpair()
    a.setblocking(False)
    a.sendmsg([b"x" * 3000000])
    a.sendmsg([b"x"])


@case
def broken_pipe():
    a, b = socket.socketpair()
    b.close()
    got = []
    signal.signal(signal.SIGPIPE, lambda *_: got.append("SIGPIPE"))
    try:
        a.sendmsg([b"x"])
    except OSError as e:
        return errno.errorcode[e.errno], got


@case
def bad_pointers():
    s = socket.socket()
    bad, found = ctypes.c_void_p(1), []
    for call, args in ((libc.connect, (s.fileno(), bad, 16)), (libc.bind, (s.fileno(), bad, 16)),
                       (libc.connect, (99, bad, 16)), (libc.connect, (0, bad, 16)),
                       (libc.setsockopt, (s.fileno(), 6, 1, bad, 4)), (libc.sendmsg, (s.fileno(), bad, 0)),
                       (libc.execve, (bad, bad, bad))):
        ctypes.set_errno(0)
        call(*args)
        found.append(errno.errorcode.get(ctypes.get_errno()))
    return found


def status_of(*argv, path=None):
    child = os.fork()
    if child == 0:
        try:
            os.execv(path or argv[0], argv)
        except OSError as e:
            os._exit(e.errno)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@case
def exec_self():
    """/proc/self is the caller's, through a link as well"""
    os.symlink("/proc/self/exe", "myself")
    return status_of("python3", "-c", "raise SystemExit(5)", path="myself")


@case
def exec_script():
    with open("script", "w") as f:
        f.write("#!/usr/bin/env sh\nexit 11\n")
    os.chmod("script", 0o755)
    return status_of("./script")


@case
def exec_errors():
    with open("text", "w") as f:
        f.write("text\n")
    found = [errno.errorcode.get(status_of(p)) for p in ("/usr/bin/nothing", "nothing", "text", ".")]
    os.chmod("text", 0o755)
    return found + [errno.errorcode.get(status_of("./text"))]


@case
def exec_by_another_thread():
    child = os.fork()
    if child == 0:
        for _ in range(4):
            threading.Thread(target=time.sleep, args=(9,), daemon=True).start()
        threading.Thread(target=os.execv, args=("/bin/sh", ["sh", "-c", "exit 7"])).start()
        time.sleep(9)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@case
def exec_not_dumpable():
    child = os.fork()
    if child == 0:
        libc.prctl(4, 0, 0, 0, 0)
        os.execv("/bin/sh", ["sh", "-c", "exit 9"])
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@case
def exec_of_a_deleted_file():
    import shutil
    shutil.copy("/bin/true", "gone")
    fd = os.open("gone", os.O_RDONLY)
    os.unlink("gone")
    child = os.fork()
    if child == 0:
        try:
            os.execve(fd, ["gone"], {})
        except OSError as e:
            os._exit(e.errno)
    return errno.errorcode.get(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


@case
def exec_stopped_and_continued():
    child = os.fork()
    if child == 0:
        os.execv("/bin/sh", ["sh", "-c", 'i=0; while [ $i -lt 200 ]; do /bin/true; i=$((i+1)); done; exit 3'])
    end = time.time() + 1
    while time.time() < end:
        os.kill(child, signal.SIGSTOP)
        time.sleep(0.002)
        os.kill(child, signal.SIGCONT)
        time.sleep(0.005)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
