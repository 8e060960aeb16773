# SPDX-License-Identifier: Apache-2.0
"""tests/lib/fixture.py - what a hostile session finds: secrets, services and a process outside, made anew

The policy is a template (tests/attack/policy.json.in); @NAME@ in it is
Fixture.names[NAME]. Everything belongs to the user who runs the session.
"""
import glob
import json
import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading


class Fixture:
    """Files, sockets and a process outside. A user of None is oneself"""

    def __init__(self, user, policy):
        self.user = pwd.getpwnam(user) if user else pwd.getpwuid(os.getuid())
        self.dir = tempfile.mkdtemp(prefix="agentsh-attack.", dir="/var/tmp")
        self.token = "SECRET-" + secrets.token_hex(8)
        self.policy, self.tracing, self.off = policy, "refuse", None
        self.stopping = False
        self.servers, self.visits, self.holder = [], {}, None
        d = self.dir
        self.names = dict(FIX=d, WS=d + "/ws", HOME=d + "/home", OUTSIDE=d + "/outside", BIN=d + "/bin",
                          SECRET=d + "/ws/secret/key", SECRET_DIR=d + "/ws/secret", PLAIN=d + "/ws/plain",
                          LOCKED=d + "/ws/locked/file", HIDDEN=d + "/ws/hidden", UNIX=d + "/outside/host.sock",
                          DENIED_TOOL=d + "/bin/denied-tool", ALLOWED_TOOL=d + "/bin/allowed-tool",
                          OTHER=d + "/outside/other", OTHER_SERVED=d + "/bin/other",
                          TOKEN_MARK="SECRET-")

    def make(self):
        d = self.dir
        self.tree()
        self.listen()
        self.holder = subprocess.Popen(["sleep", "1000"], preexec_fn=self.become, start_new_session=True,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.names["HOLDER"] = str(self.holder.pid)
        with open(self.policy) as f:
            text = re.sub(r"@([A-Z_]+)@", lambda m: self.names.get(m[1], m[0]), f.read())
        self.write(d + "/policy.json", text.replace('"tracing": "refuse"', f'"tracing": "{self.tracing}"'))

    def write(self, path, text, mode=0o644):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)

    def tree(self):
        n = self.names
        os.chmod(self.dir, 0o755)
        self.write(n["SECRET"], self.token + "\n", 0o600)
        self.write(n["HOME"] + "/.ssh/id_test", self.token + "\n", 0o600)
        self.write(n["HIDDEN"], self.token + "\n")
        self.write(n["PLAIN"], "plain\n")
        self.write(n["LOCKED"], "locked\n")
        self.write(n["OUTSIDE"] + "/file", "outside\n")
        for tool, program in (("DENIED_TOOL", "/bin/false"), ("ALLOWED_TOOL", "/bin/true")):
            self.write(n[tool], "")
            shutil.copy(program, n[tool])	# their exit status tells which one ran
        os.makedirs(self.dir + "/state", exist_ok=True)
        for top, dirs, files in os.walk(self.dir):
            for x in [top] + [f"{top}/{y}" for y in files]:
                os.chown(x, self.user.pw_uid, self.user.pw_gid)
        if os.getuid() == 0:
            self.others()

    def others(self):
        """Files that belong to somebody else"""
        for name in ("OTHER", "OTHER_SERVED"):
            self.write(self.names[name], self.token + "\n", 0o600)
            os.chown(self.names[name], 65534, 65534)

    def listen(self):
        for name in ("PORT", "DENIED_PORT"):
            s = socket.socket()
            s.bind(("127.0.0.1", 0))
            self.names[name] = str(s.getsockname()[1])
            self.serve(s, name)
        u = socket.socket(socket.AF_UNIX)
        u.bind(self.names["UNIX"])
        os.chmod(self.names["UNIX"], 0o666)
        self.serve(u, "UNIX")

    def serve(self, sock, name):
        """A service outside that greets with the token, and counts who came"""
        self.visits[name] = 0

        def loop():
            while not self.stopping:
                try:
                    c, _ = sock.accept()
                    self.visits[name] += 1
                    c.sendall((self.token + "\n").encode())
                    c.close()
                except OSError:
                    if self.stopping:
                        return
        sock.listen(64)
        self.servers.append(sock)
        threading.Thread(target=loop, daemon=True).start()

    def become(self):
        if os.getuid() == 0 and self.user.pw_uid != 0:
            os.initgroups(self.user.pw_name, self.user.pw_gid)
            os.setgid(self.user.pw_gid)
            os.setuid(self.user.pw_uid)

    def environment(self):
        env = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "TERM", "ASAN_OPTIONS", "UBSAN_OPTIONS",
                                                    "TSAN_OPTIONS")}
        env.update({"ATTACK_" + k: v for k, v in self.names.items()})
        env.update(HOME=self.names["HOME"], USER=self.user.pw_name, LOGNAME=self.user.pw_name,
                   XDG_STATE_HOME=self.dir + "/state")
        if self.off is not None:
            env["AGENTSH_TEETH_OFF"] = ",".join(self.off)
        return env

    def rules(self):
        """Rules that the session's log says refused something"""
        found = set()
        for log in glob.glob(self.dir + "/state/**/audit.jsonl", recursive=True):
            for line in open(log, errors="replace"):
                try:
                    found.add(json.loads(line).get("rule"))
                except ValueError:
                    pass
        return found

    def gone(self):
        self.stopping = True
        for s in self.servers:
            s.close()
        if self.holder:
            self.holder.kill()
            self.holder.wait()
        if not os.environ.get("ATTACK_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)
