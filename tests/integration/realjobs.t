#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/integration/realjobs.t [-v] [-u USER] [NAME...] - whole jobs of developers, natively and caged: the same output and files

What they need from elsewhere (packages of npm, a source package of Debian) is
fetched once, natively, into a cache; inside nothing is fetched. Jobs that take
minutes run with AGENTSH_LONG=1.

Seconds: 3000
"""
import glob
import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../lib")
import twice

CACHE = "/var/tmp/agentsh-test-cache/realjobs"
PACKAGES = ["express", "typescript", "chalk", "semver", "esbuild"]


def quiet(argv, **kw):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **kw)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def npm_cache(place, home):
    """Fill ~/.npm once; npm knows its registry"""
    mine = f"{CACHE}/{place.who}"
    if not os.path.exists(mine + "/ok") and shutil.which("npm"):
        twice.remove(mine)
        os.makedirs(mine + "/home")
        os.makedirs(mine + "/p")
        os.chmod(CACHE, 0o755)
        for d in (mine, mine + "/home", mine + "/p"):
            place.own(d)
        p = quiet(place.as_user(["npm", "install", "--no-audit", "--no-fund", *PACKAGES]), cwd=mine + "/p",
                  env=place.env(mine + "/home"), timeout=300)
        if p.returncode != 0:
            return "npm cannot fetch " + " ".join(PACKAGES)
        for f in ("package.json", "package-lock.json"):
            shutil.copy(f"{mine}/p/{f}", mine)
        twice.remove(mine + "/p")
        with open(mine + "/ok", "w", encoding="ascii"):
            pass
    if not os.path.exists(mine + "/ok"):
        return "npm is not installed"
    quiet(["cp", "-a", mine + "/home/.npm", mine + "/package.json", mine + "/package-lock.json", home])
    return None


def source_package():
    """A small autotools package of Debian, by apt-get source with lists of its own; root's matter"""
    place = CACHE + "/source"
    if glob.glob(place + "/hello-*/configure") or os.getuid() != 0 or not twice.LONG:
        return
    os.makedirs(place + "/lists/partial", exist_ok=True)
    lines = []
    for f in glob.glob("/etc/apt/sources.list") + glob.glob("/etc/apt/sources.list.d/*.list"):
        with open(f, encoding="utf-8") as o:
            lines += ["deb-src" + x[3:] for x in o if x.startswith("deb ")]
    with open(place + "/sources.list", "w", encoding="utf-8") as o:
        o.writelines(lines)
    parts = "/etc/apt/sources.list.d" if not lines else "/dev/null"
    for f in glob.glob("/etc/apt/sources.list.d/*.sources") if not lines else []:
        with open(f, encoding="utf-8") as i, open(place + "/" + os.path.basename(f), "w", encoding="utf-8") as o:
            o.write(i.read().replace("Types: deb\n", "Types: deb-src\n").replace("Types: deb deb-src", "Types: deb-src"))
        parts = place
    apt = ["apt-get", "-qq", "-o", f"Dir::Etc::SourceList={place}/sources.list", "-o", f"Dir::Etc::SourceParts={parts}",
           "-o", f"Dir::State::Lists={place}/lists"]
    quiet([*apt, "update"], timeout=200)
    quiet([*apt, "source", "hello"], cwd=place, timeout=200)
    shutil.rmtree(place + "/lists", ignore_errors=True)


def history(place):
    """A repository with a past, beside the workspace"""
    def data(text):
        return f"data {len(text.encode())}\n{text}\n"
    stream = []
    for c in range(120):
        stream.append(f"commit refs/heads/main\nmark :{c + 1}\ncommitter T <t@example.org> {1700000000 + c} +0000\n" + data(f"change {c}"))
        if c:
            stream.append(f"from :{c}\n")
        for f in range(10):
            stream.append(f"M 100644 inline d{(c * 10 + f) % 37}/s{f}/file{c * 10 + f % 7}.txt\n" + data(f"line {c}\n" * (f + 1)))
        stream.append("\n")
    repo = place.base + "/origin.git"
    quiet(place.as_user(["git", "init", "-q", "--bare", "-b", "main", repo]), env=place.env(place.base))
    subprocess.run(place.as_user(["git", "-C", repo, "fast-import", "--quiet"]), input="".join(stream).encode(), check=True,
                   env=place.env(place.base))


def sshd(place, home):
    """A server on loopback that lets this user in; outside, started once"""
    if not os.path.exists("/usr/sbin/sshd"):
        return None, 0
    d = place.base + "/sshd"
    port = free_port()
    os.mkdir(d, 0o755)
    place.own(d)
    os.makedirs(home + "/.ssh", 0o700)
    place.own(home + "/.ssh")
    if os.getuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)
    for key in (d + "/host", home + "/.ssh/id_ed25519"):
        quiet(place.as_user(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]))
    shutil.copy(home + "/.ssh/id_ed25519.pub", d + "/authorized")
    with open(d + "/config", "w", encoding="ascii") as f:
        f.write(f"Port {port}\nListenAddress 127.0.0.1\nHostKey {d}/host\nAuthorizedKeysFile {d}/authorized\nStrictModes no\n"
                f"PidFile none\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\nSubsystem sftp internal-sftp\n")
    with open(d + "/host.pub", encoding="ascii") as f:
        key = f.read()
    with open(home + "/.ssh/known_hosts", "w", encoding="ascii") as f:
        f.write(f"[127.0.0.1]:{port} {key}")
    with open(home + "/.ssh/config", "w", encoding="ascii") as f:
        f.write(f"Host box\n  HostName 127.0.0.1\n  Port {port}\n  User {place.who}\n  BatchMode yes\n"
                f"  IdentityFile {place.base}/home/.ssh/id_ed25519\n  UserKnownHostsFile {place.base}/home/.ssh/known_hosts\n")
    for f in ("known_hosts", "config"):
        place.own(home + "/.ssh/" + f)
    p = subprocess.Popen(place.as_user(["/usr/sbin/sshd", "-D", "-e", "-f", d + "/config"]), env=place.env(home),
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(d + "/log", "wb"))
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return p, port
        except OSError:
            time.sleep(0.05)
    return p, port


def policy(place, port):
    """developer, and what these jobs are granted beyond it: the user's own words in a file of his"""
    rules = {"version": 1, "name": "realjobs", "extends": ["developer"],
             "files": [{"id": "ssh-client", "path": ["~/.ssh", "~/.ssh/**"], "ops": ["list", "stat", "read"], "decision": "allow"},
                       {"id": "inputs", "path": ["~/package.json", "~/package-lock.json"], "ops": ["stat", "read"], "decision": "allow"}],
             "network": [{"id": "sshd", "cidr": "127.0.0.1/32", "port": port or 22, "decision": "allow"}]}
    with open(place.base + "/policy.json", "w", encoding="ascii") as f:
        json.dump(rules, f)
    place.policy = place.base + "/policy.json"


def prepare(place, tap):
    home = place.base + "/ready"
    os.mkdir(home)
    place.own(home)
    os.makedirs(CACHE, exist_ok=True)
    source_package()
    why = npm_cache(place, home)
    if why:
        tap.skip(f"the jobs of npm as {place.who}", why)
    history(place)
    server, port = sshd(place, home)
    if server:
        place.children.append(server)
    policy(place, port)
    place.ready_home = home
    place.facts.update(ORIGIN=place.base + "/origin.git", SOURCE=(glob.glob(CACHE + "/source/hello-*[0-9]") or [""])[0],
                       HAS_NPM="" if why else "1", NAME=pwd.getpwnam(place.who).pw_name)


# What compiles is as root what it is as a user: with AGENTSH_LONG only
twice.main(sorted(glob.glob(HERE + "/realjobs/*.cases")), sys.argv[1:], seconds=600, prepare=prepare, roots="clone|npm|cmake|python")
