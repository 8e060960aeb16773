# SPDX-License-Identifier: Apache-2.0
"""bench/peers.py - Other cages to be measured beside ours: how each is found, and how a command is put into it

A peer is used where it is on PATH or where bench/peers.sh has installed it. Each
is given what comes closest to the bench's own policy: read everything, write
the workspace and /tmp, no network but the loopback where a row needs it.
"""
import glob
import json
import os
import shlex
import shutil

CACHE = os.environ.get("AGENTSH_BENCH_PEERS", "")
SANDLOCK = ("import sys, sandlock\n"
            "a = sys.argv\n"
            "s = sandlock.Sandbox(fs_readable=['/'], fs_writable=[a[1], '/tmp', '/dev'],"
            " net_allow=['127.0.0.1:' + a[2]] if a[2] else [])\n"
            "sys.exit(s.run_interactive(a[3:]))\n")


class Peer:
    """starts: how often a round starts it, for the row that only starts"""
    starts = 20

    def __init__(self, place):
        self.place = place      # .dir .ws .home .tmp of the bench

    def find(self):
        return shutil.which(self.name)

    def wrap(self, argv, port):
        raise NotImplementedError


class Bubblewrap(Peer):
    name, program = "bubblewrap", "bwrap"

    def find(self):
        return shutil.which("bwrap")

    def wrap(self, argv, port):
        return [self.found, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--bind", self.place.tmp, "/tmp",
                "--bind", self.place.ws, self.place.ws, "--unshare-all", "--die-with-parent"] + \
            (["--share-net"] if port else []) + ["--"] + argv


class Firejail(Peer):
    name = "firejail"
    starts = 5

    def wrap(self, argv, port):
        return [self.found, "--quiet", "--noprofile", "--caps.drop=all", "--nonewprivs", "--seccomp", "--keep-var-tmp",
                "--read-only=/", "--read-write=" + self.place.ws, "--read-write=/tmp"] + ([] if port else ["--net=none"]) + ["--"] + argv


class Srt(Peer):
    name = "sandbox-runtime"
    starts = 2

    def find(self):
        installed = f"{CACHE}/npm/node_modules/.bin/srt"
        return shutil.which("srt") or (installed if os.path.exists(installed) else None)

    def wrap(self, argv, port):
        settings = self.place.dir + "/srt.json"
        if not os.path.exists(settings):
            with open(settings, "w") as f:
                json.dump({"network": {"allowedDomains": [], "deniedDomains": [], "allowLocalBinding": True},
                           "filesystem": {"denyRead": [], "allowWrite": [self.place.ws, "/tmp"], "denyWrite": []}}, f)
            os.chmod(settings, 0o644)
        return [self.found, "-s", settings, "-c", shlex.join(argv)]


class Codex(Peer):
    name = "codex sandbox"
    starts = 5

    def find(self):
        # not the script that starts it: node alone takes 40 ms
        native = glob.glob(f"{CACHE}/npm/node_modules/@openai/codex-linux-*/vendor/*/bin/codex")
        return native[0] if native else shutil.which("codex")

    def wrap(self, argv, port):
        net = ["-c", "sandbox_workspace_write.network_access=true"] if port else []
        return [self.found, "sandbox", "-c", 'sandbox_mode="workspace-write"'] + net + ["--"] + argv


class Sandlock(Peer):
    name = "sandlock"
    starts = 5

    def find(self):
        return shutil.which("python3", path="/usr/bin") if os.path.isdir(f"{CACHE}/py/sandlock") else None

    def wrap(self, argv, port):
        return ["env", f"PYTHONPATH={CACHE}/py", self.found, "-c", SANDLOCK, self.place.ws, port or ""] + argv


class Strace(Peer):
    name = "strace"

    def wrap(self, argv, port):
        return [self.found, "--seccomp-bpf", "-f", "-qq", "-o", "/dev/null",
                "-e", "trace=openat,open,creat,execve,execveat,connect,bind"] + argv


def all_peers(place):
    """Peers that can be started, and the names of the others"""
    here, missing = [], []
    for kind in (Bubblewrap, Firejail, Srt, Codex, Sandlock, Strace):
        p = kind(place)
        p.found = p.find()
        if p.found:
            here.append(p)
        else:
            missing.append(p.name)
    return here, missing
