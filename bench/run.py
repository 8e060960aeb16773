#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/run.py [ROW...] - the rounds and the table of bench/run.sh

Each round runs every row under every system, in an order that turns, so that
a drift of the machine meets all alike. The times are taken by the programs of
bench/*.c: inside the cage for what happens inside, outside for the start.
"""
import argparse
import json
import os
import pwd
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import types

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
from peers import Bubblewrap, all_peers  # noqa: E402

B = os.environ["B"]
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
USER = pwd.getpwnam("agentsh-test") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
DIR = tempfile.mkdtemp(prefix="agentsh-bench.", dir=USER.pw_dir)    # firejail lets nothing run below /var
WS, HOME, BIN, TMP = DIR + "/ws", DIR + "/home", DIR + "/bin", DIR + "/tmp"
PLACE = types.SimpleNamespace(dir=DIR, ws=WS, home=HOME, tmp=TMP)
NODES = 20000

POLICY = {
    "version": 1, "name": "bench",
    "files": [
        {"id": "secrets", "path": ["~/.ssh/id_*", "*.key"], "ops": ["all"], "decision": "deny"},
        {"id": "workspace", "path": ["${WORKSPACE}", "${WORKSPACE}/**"], "ops": ["all"], "decision": "allow"},
        {"id": "tmp", "path": ["/tmp", "/tmp/**"], "ops": ["all"], "decision": "allow"},
        {"id": "system", "path": ["/", "/**"], "ops": ["list", "stat", "read", "exec"], "decision": "allow"},
    ],
    "network": [{"id": "local", "cidr": "127.0.0.1/32", "port": "1-65535", "decision": "allow"}],
    "defaults": {"files": "deny", "commands": "allow", "network": "deny", "sockets": "deny"},
}
# With something to decide outside the served trees, every open that may change something is the doorman's
TRAPPING = [{"id": "elsewhere", "path": DIR + "/redirected", "ops": ["write", "create", "truncate"],
             "decision": "redirect", "to": WS + "/target"}]


def become():
    if os.getuid() == 0:
        os.initgroups(USER.pw_name, USER.pw_gid)
        os.setgid(USER.pw_gid)
        os.setuid(USER.pw_uid)


ENV = {"PATH": os.environ["PATH"], "HOME": HOME, "USER": USER.pw_name, "LOGNAME": USER.pw_name,
       "XDG_STATE_HOME": DIR + "/state", "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1"}


class Failed(Exception):
    pass


def call(argv, patience=600):
    try:
        p = subprocess.run(argv, cwd=WS, env=ENV, preexec_fn=become, stdin=subprocess.DEVNULL, timeout=patience,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except subprocess.TimeoutExpired:
        raise Failed(f"no end after {patience} s") from None
    if p.returncode:
        said = [x for x in p.stderr.decode(errors="replace").splitlines() if x.strip()]
        raise Failed((said[0][:160] if said else "nothing said") + f" (status {p.returncode})")
    times = [float(x) for x in p.stdout.decode().split()]
    if not times:
        raise Failed("no figures: its output is lost")
    return times


# ---- the systems ----

class Native:
    name, starts = "native", 20

    def wrap(self, argv, port):
        return argv


class Agentsh:
    name, starts = "agentsh", 20

    def wrap(self, argv, port, policy="policy"):
        return [BIN + "/agentsh", "--quiet", "--policy", f"{DIR}/{policy}.json", "--workspace", WS, "--"] + argv


# ---- the rows ----

class Row:
    """outside: the command is started again and again; rounds: of its own; only: names of the systems it is for;
    deciders: names of the peers that look at each such call as ours does (None: there is nothing to decide)"""

    def __init__(self, name, argv, **kw):
        self.name, self.argv = name, argv
        self.outside = kw.get("outside", False)
        self.rounds, self.only = kw.get("rounds", ROUNDS), kw.get("only")
        self.policy, self.port = kw.get("policy", "policy"), kw.get("port")
        self.deciders = kw.get("deciders")

    def run(self, system):
        argv = self.argv
        if isinstance(system, Agentsh):
            argv = system.wrap(argv, self.port, self.policy)
        else:
            argv = system.wrap(argv, self.port)
        return call([BIN + "/start", str(system.starts)] + argv if self.outside else argv)


def rows(port):
    git = ["git", "-C", WS + "/tree"]
    tmp = f"/tmp/agentsh-bench-{os.getpid()}"
    return [
        Row("start true", ["/bin/true"], outside=True),
        Row("open for read, system", [BIN + "/open", "read", "/etc/passwd"]),
        Row("open for read, workspace", [BIN + "/open", "read", WS + "/tree/d0/f1"]),
        Row("open for write, workspace", [BIN + "/open", "write", WS + "/written"]),
        Row("open for write, /tmp", [BIN + "/open", "write", tmp]),
        Row("open for write, trapped", [BIN + "/open", "write", tmp], policy="trapping",
            deciders=("sandlock", "strace")),
        Row("open handed in", [BIN + "/open", "write", DIR + "/redirected"], policy="trapping",
            only=("native", "agentsh")),
        Row("fork+exec true", [BIN + "/exec", "/bin/true"], deciders=("strace",)),
        Row("connect, loopback", [BIN + "/connect", port], port=port, deciders=("sandbox-runtime", "sandlock")),
        Row("python start-up", [BIN + "/start", "8", "/usr/bin/python3", "-c", "import json"]),
        Row("git status, 5,000 files", [BIN + "/start", "8"] + git + ["status", "--porcelain"]),
        Row("git grep, 5,000 files", [BIN + "/start", "8"] + git + ["grep", "-q", "file 4999"]),
        Row("make -j2, 300 C files", [BIN + "/start", "1", "sh", "-c", f"cd {WS}/c && rm -f *.o && make -s -j2"],
            rounds=min(ROUNDS, 3)),
    ]


def fixtures():
    for d in (WS, HOME, BIN, DIR + "/state", TMP, WS + "/tree", WS + "/c"):
        os.makedirs(d)
    os.chmod(DIR, 0o755)
    shutil.copy(os.environ["AGENTSH"], BIN + "/agentsh")
    for name in ("open", "exec", "start", "connect", "audit"):
        shutil.copy(f"{B}/bench/{name}", BIN)
    for name, more in (("policy", []), ("trapping", TRAPPING)):
        with open(f"{DIR}/{name}.json", "w") as f:
            json.dump({**POLICY, "files": more + POLICY["files"]}, f)
    for i in range(5000):
        d = f"{WS}/tree/d{i // 50}"
        os.makedirs(d, exist_ok=True)
        with open(f"{d}/f{i}", "w") as f:
            f.write(f"file {i}\n")
    for i in range(300):
        with open(f"{WS}/c/m{i}.c", "w") as f:
            f.write(f"#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\nint f{i}(int x);\n"
                    f"int f{i}(int x)\n{{\n\tprintf(\"%d\\n\", x);\n\treturn x + {i};\n}}\n")
    with open(WS + "/c/Makefile", "w") as f:
        f.write("all: $(patsubst %.c,%.o,$(wildcard *.c))\n%.o: %.c\n\t@gcc -O1 -c -o $@ $<\n")
    for top, _, files in os.walk(DIR):
        for x in [top] + [f"{top}/{y}" for y in files]:
            os.chown(x, USER.pw_uid, USER.pw_gid)
    git = ["git", "-C", WS + "/tree", "-c", "user.name=b", "-c", "user.email=b@localhost"]
    for more in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "tree"]):
        subprocess.run(git + more, cwd=WS, env=ENV, preexec_fn=become, check=True)


def measure(table, systems):
    times, failed = {}, {}
    for n in range(ROUNDS):
        for row in table:
            for k in range(len(systems)):
                s = systems[(k + n) % len(systems)]
                if n >= row.rounds or row.only and s.name not in row.only or (row.name, s.name) in failed:
                    continue
                try:
                    got = row.run(s)
                    times.setdefault((row.name, s.name), []).extend(got)
                except Failed as e:
                    failed[(row.name, s.name)] = str(e)
                    if s.name in ("native", "agentsh"):
                        print(f"# {row.name}, {s.name}: {e}", flush=True)
    return times, failed


# ---- rows of agentsh alone ----

def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(x) for x in f.read().split()]
    except OSError:
        return []


def resident(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(next(x for x in f if x.startswith("VmRSS:")).split()[1]) / 1024


def memory():
    """MiB of the supervisor when a session knows NODES files"""
    d = WS + "/many"
    for i in range(NODES):
        if i % 200 == 0:
            os.makedirs(f"{d}/{i // 200}")
        with open(f"{d}/{i // 200}/{i}", "w"):
            pass
    p = subprocess.Popen(Agentsh().wrap(["sh", "-c", f"ls -lR {d} | wc -l; read line"], None), cwd=WS, env=ENV,
                         preexec_fn=become, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        if int(p.stdout.readline()) < NODES:
            raise Failed("not all files were seen")
        return resident(children(p.pid)[0])
    finally:
        p.communicate(b"\n")
        shutil.rmtree(d)


def own_rows(wanted):
    """Name, figure, unit"""
    result = []
    if not wanted or "memory of the supervisor" in wanted:
        result.append(("memory of the supervisor", memory(), "MiB"))
    if not wanted or "audit, an event" in wanted:
        times = call([BIN + "/audit", DIR + "/state"])
        result.append(("audit, an event", statistics.median(times), "us"))
    return result


# ---- the table ----

def budget():
    with open(HERE + "/budget.tsv") as f:
        fields = [l.rstrip("\n").split("\t") for l in f if not l.startswith("#")]
    return {r: (kind, float(limit)) for r, kind, limit, _ in fields}


def p99(v):
    v = sorted(v)
    return v[min(len(v) - 1, int(len(v) * 0.99))]


def us(v):
    return f"{v:.1f} us" if v < 1000 else f"{v / 1000:.2f} ms" if v < 1e6 else f"{v / 1e6:.2f} s"


def compare(kind, limit, med):
    """What the budget says, and whether it is met (None: nothing to compare with)"""
    other = {"ratio": "native", "added": "native", "bwrap": "bubblewrap"}.get(kind)
    if "agentsh" not in med or other and other not in med:
        return "", None
    if not other:
        return f"<= {limit:g} {kind}", med["agentsh"] <= limit
    if kind == "added":
        return f"<= {limit:g} us more than {other}", med["agentsh"] - med[other] <= limit
    return f"<= {limit:g} x {other}", med["agentsh"] / med[other] <= limit


def verdict(met):
    return "met" if met else "MISSED"


LEVEL = 1.05    # what two runs of the same thing differ by


def against(row, name, med):
    """How ours stands to a peer; None: nothing to compare"""
    if name in ("native", "agentsh") or "agentsh" not in med:
        return None
    if row.deciders is not None and name not in row.deciders:
        return "lets all of these through"
    ratio = med["agentsh"] / med[name]
    return "ours is BEHIND" if ratio > LEVEL else "ours is ahead" if ratio < 1 / LEVEL else "level"


def report_row(row, systems, times, failed, known):
    med = {s.name: statistics.median(times[row.name, s.name]) for s in systems if (row.name, s.name) in times}
    text, met = compare(*known[row.name], med) if row.name in known else ("", None)
    entry = {"row": row.name, "budget": text or None, "met": met, "systems": {}}
    print(f"\n{row.name}" + (f" - budget {text}: {verdict(met)}" if met is not None else ""))
    for s in systems:
        if row.only and s.name not in row.only:
            continue
        if s.name not in med:
            why = failed.get((row.name, s.name), "not run")
            print(f"    {s.name:16}cannot: {why}")
            entry["systems"][s.name] = {"cannot": why}
            continue
        all_times, stands = times[row.name, s.name], against(row, s.name, med)
        ratio = med[s.name] / med["native"] if "native" in med else 0
        print(f"    {s.name:16}{us(med[s.name]):>11}   p99 {us(p99(all_times)):>11}{ratio:9.2f} x"
              + (f"   {stands}" if stands else ""))
        entry["systems"][s.name] = {"median_us": med[s.name], "p99_us": p99(all_times), "samples": len(all_times),
                                    "ratio": round(ratio, 3), "stands": stands}
    return entry


def report_own(own, known):
    result = []
    for name, figure, unit in own:
        text, met = compare(*known[name], {"agentsh": figure})
        print(f"\n{name} - budget {text}: {verdict(met)}\n    {'agentsh':16}{figure:8.1f} {unit}")
        result.append({"row": name, "figure": figure, "unit": unit, "budget": text, "met": met})
    return result


def summary(result, load):
    """The one line a reader looks for first"""
    met = [r["met"] for r in result if r["met"] is not None]
    behind = {}
    for r in result:
        for name, s in r.get("systems", {}).items():
            if s.get("stands") == "ours is BEHIND":
                behind.setdefault(name, []).append(r["row"])
    print(f"\n{sum(met)} of {len(met)} budgets met")
    for name, names in behind.items():
        print(f"behind {name}: {', '.join(names)}")
    print(f"{ROUNDS} rounds, {os.cpu_count()} CPUs, kernel {os.uname().release}, load {load:.1f} before and "
          f"{os.getloadavg()[0]:.1f} after; {os.path.relpath(B)}/bench.json")


def run(wanted, names):
    peers, missing = all_peers(PLACE)
    systems = [s for s in [Native(), Agentsh()] + peers if not names or s.name in names or s.name in ("native", "agentsh")]
    load, known = os.getloadavg()[0], budget()
    for name in missing:
        print(f"# {name}: not installed")
    server = subprocess.Popen([BIN + "/connect", "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              preexec_fn=become)
    try:
        port = server.stdout.readline().decode().strip()
        table = [r for r in rows(port) if not wanted or r.name in wanted]
        started = time.time()
        times, failed = measure(table, systems)
        result = [report_row(r, systems, times, failed, known) for r in table]
        result += report_own(own_rows(wanted), known)
    finally:
        server.stdin.close()
        server.wait()
    with open(B + "/bench.json", "w") as f:
        json.dump({"kernel": os.uname().release, "cpus": os.cpu_count(), "rounds": ROUNDS, "load": load,
                   "seconds": round(time.time() - started), "not_installed": missing, "rows": result}, f, indent=1)
    summary(result, load)
    return any(s in ("native", "agentsh") for _, s in failed)


def main():
    parser = argparse.ArgumentParser(prog="bench/run.sh")
    parser.add_argument("rows", nargs="*", metavar="ROW", help="names of rows; all without one")
    parser.add_argument("--peers", help=f"names, with commas (as {Bubblewrap.name}); all that are here without one")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))    # so that nothing is left behind
    try:
        fixtures()
        bad = run(args.rows, args.peers.split(",") if args.peers is not None else None)
    finally:
        shutil.rmtree(DIR, ignore_errors=True)
    sys.exit(1 if bad else 0)


main()
