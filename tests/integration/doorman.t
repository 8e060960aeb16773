#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/integration/doorman.t - sockets and programs as a program inside sees them, and what outside sees of it

doorman_inside.py says the same natively, but for the lines that a cage changes: so each
expectation below is either the kernel's own answer or a refusal.
"""
import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
AGENTSH = os.environ.get("AGENTSH", os.path.join(HERE, "../../build/agentsh"))
USER = pwd.getpwnam("agentsh-test") if os.getuid() == 0 else pwd.getpwuid(os.getuid())

OWN = "(b'hi', True, True, 'ECONNREFUSED')"
EXPECTED = {
    "connect_allowed": "connected", "connect_denied": "EACCES",
    "connect_any_is_loopback": "connected", "connect_mapped": "connected", "connect_mapped_denied": "EACCES",
    "own_listener": "('connected', 'ECONNREFUSED')", "own_listener_any": "('connected', 'ECONNREFUSED')",
    "own_listener_unbound": "('connected', 'ECONNREFUSED')",
    "port_of_the_host": "EADDRINUSE", "reuseport_outside": "ENOPROTOOPT", "reuseport_inside": "set",
    "multipath": "EPROTONOSUPPORT", "nonblocking": "('EINPROGRESS', 0)", "time_limit": "EINPROGRESS",
    "signal_ends_connect": "ended", "slow_connects_hold_up_nobody": "(0, 'at once', 40)",
    "datagrams_inside": "(b'x', b'yz')", "interfaces": "['lo']",
    "unix_absolute": OWN, "unix_relative": OWN, "unix_in_tmp": OWN, "unix_abstract": OWN.replace("True, True", "False, False"),
    "unix_of_the_host": "EACCES", "unix_datagram": "(b'q', b'r')",
    "unix_datagram_of_the_host": "EACCES", "unix_datagram_of_the_host_sendmsg": "EACCES",
    "descriptors_are_passed": "b'through'", "long_message": "(3000000, 3000000)", "full_and_nonblocking": "EAGAIN",
    "broken_pipe": "('EPIPE', ['SIGPIPE'])",
    "bad_pointers": "['EFAULT', 'EFAULT', 'EBADF', 'ENOTSOCK', 'EFAULT', 'EFAULT', 'EFAULT']",
    "exec_self": "5", "exec_script": "11", "exec_errors": "['ENOENT', 'ENOENT', 'EACCES', 'EACCES', 'ENOEXEC']",
    "exec_by_another_thread": "7", "exec_not_dumpable": "9", "exec_of_a_deleted_file": "EACCES",
    "exec_stopped_and_continued": "3",
}

POLICY = {
    "version": 1, "name": "doorman",
    "files": [{"id": "all", "path": ["/", "/**"], "ops": ["list", "stat", "read", "exec"], "decision": "allow"},
              {"id": "tmp", "path": ["/tmp", "/tmp/**"], "ops": ["all"], "decision": "allow"}],
    "network": [{"id": "servers", "ops": ["bind", "listen"], "cidr": ["127.0.0.0/8", "::1/128"], "port": "1024-65535",
                 "decision": "allow"}],
    "tracing": "refuse",
    "defaults": {"files": "deny", "commands": "allow", "network": "deny", "sockets": "deny"},
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


class Outside:
    """Servers of the same user, outside: one that is allowed, one that is not, one whose backlog is full"""

    def __init__(self, top):
        self.keep = []
        self.port, self.denied = self.server(), self.server()
        full = self.listener(0)
        self.full = full.getsockname()[1]
        for _ in range(3):
            c = socket.socket()
            c.setblocking(False)
            c.connect_ex(("127.0.0.1", self.full))
            self.keep.append(c)
        self.stream, self.datagram = top + "/stream.sock", top + "/datagram.sock"
        for path, kind in ((self.stream, socket.SOCK_STREAM), (self.datagram, socket.SOCK_DGRAM)):
            s = socket.socket(socket.AF_UNIX, kind)
            s.bind(path)
            os.chmod(path, 0o666)
            if kind == socket.SOCK_STREAM:
                s.listen()
            self.keep.append(s)

    def listener(self, backlog):
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        s.listen(backlog)
        self.keep.append(s)
        return s

    def server(self):
        s = self.listener(64)

        def loop():
            while True:
                s.accept()[0].close()
        threading.Thread(target=loop, daemon=True).start()
        return s.getsockname()[1]


def become():
    os.setsid()
    if os.getuid() == 0:
        os.initgroups(USER.pw_name, USER.pw_gid)
        os.setgid(USER.pw_gid)
        os.setuid(USER.pw_uid)


def session(top, *command):
    env = dict(PATH="/usr/local/bin:/usr/bin:/bin", HOME=top + "/home", USER=USER.pw_name,
               XDG_STATE_HOME=top + "/state", LC_ALL="C.UTF-8",
               AGENTSH_PATIENCE=os.environ.get("AGENTSH_PATIENCE", "1"))
    return subprocess.Popen([AGENTSH, "--quiet", "--policy", top + "/policy.json", "--workspace", top + "/ws", "--", *command],
                            cwd=top + "/ws", env=env, preexec_fn=become, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def lan_address():
    """An address of this machine that is not loopback; nothing is sent"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.254", 9))
        except OSError:
            return None
        ip = s.getsockname()[0]
    return None if ip.startswith("127.") else ip


def reaches(host, port):
    try:
        socket.create_connection((host, port), 2).close()
    except OSError:
        return False
    return True


def test_server(tap, top):
    """A server inside on the any-address: the browser on the host reaches it, the network does not"""
    code = ("import socket,sys; s=socket.socket(); s.bind(('',0)); s.listen(); "
            "print(s.getsockname()[0], s.getsockname()[1], flush=True); sys.stdin.read(); import time; time.sleep(20)")
    p = session(top, "/usr/bin/python3", "-c", code)
    words = p.stdout.readline().split()
    host, port = words[0], int(words[1])
    tap.ok(host == "0.0.0.0", "a bind to any address is kept as asked")
    tap.ok(reaches("127.0.0.1", port), "the host reaches a server inside by loopback")
    lan = lan_address()
    if lan:
        tap.ok(not reaches(lan, port), "and by no other address")
        s = socket.socket()
        s.bind((lan, 0))
        s.listen()
        tap.ok(reaches(lan, s.getsockname()[1]), "(which a server outside can be reached by)")
    p.kill()
    p.wait()


def main():
    tap = Tap()
    top = tempfile.mkdtemp(prefix="agentsh-doorman.", dir="/var/tmp")
    os.chmod(top, 0o755)
    outside = Outside(top)
    for d in ("ws", "home", "state"):
        os.mkdir(f"{top}/{d}")
    POLICY["files"].insert(0, {"id": "ws", "path": [top + "/ws", top + "/ws/**"], "ops": ["all"], "decision": "allow"})
    POLICY["network"].insert(0, {"id": "service", "cidr": "127.0.0.1/32", "port": [outside.port, outside.full],
                                 "decision": "allow"})
    with open(top + "/policy.json", "w") as f:
        json.dump(POLICY, f)
    shutil.copy(HERE + "/doorman_inside.py", top + "/ws/inside.py")
    for base, dirs, files in os.walk(top):
        for x in [base] + [f"{base}/{y}" for y in files]:
            os.chown(x, USER.pw_uid, USER.pw_gid)
    p = session(top, "/usr/bin/python3", "inside.py", str(outside.port), str(outside.denied), str(outside.full),
                outside.stream, outside.datagram)
    try:
        out, _ = p.communicate(timeout=90)
    except subprocess.TimeoutExpired:
        p.kill()
        out, _ = p.communicate()
    got = dict(line.split(": ", 1) for line in out.splitlines() if ": " in line)
    for name, want in EXPECTED.items():
        tap.ok(got.get(name) == want, name.replace("_", " "), f"got {got.get(name)}\nwant {want}")
    if tap.failed:
        print("# " + out.replace("\n", "\n# "))
    test_server(tap, top)
    shutil.rmtree(top, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
