#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/run.py [ROW...] - the rounds and the table of bench/run.sh

Each round runs every row under every system, in an order that turns, so that
a drift of the machine meets all alike. The times are taken by the programs of
bench/*.c: inside the cage for what happens inside, outside for the start.
"""
import json
import os
import pwd
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
B = os.environ["B"]
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
USER = pwd.getpwnam("agentsh-test") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
DIR = tempfile.mkdtemp(prefix="agentsh-bench.", dir="/var/tmp")
WS, HOME, BIN = DIR + "/ws", DIR + "/home", DIR + "/bin"

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


def become():
    if os.getuid() == 0:
        os.initgroups(USER.pw_name, USER.pw_gid)
        os.setgid(USER.pw_gid)
        os.setuid(USER.pw_uid)


ENV = {"PATH": os.environ["PATH"], "HOME": HOME, "USER": USER.pw_name, "LOGNAME": USER.pw_name,
       "XDG_STATE_HOME": DIR + "/state", "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1"}


def call(argv, **kw):
    p = subprocess.run(argv, cwd=WS, env=ENV, preexec_fn=become, stdin=subprocess.DEVNULL, **kw,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if p.returncode:
        raise RuntimeError(f"{' '.join(argv)[:200]}: status {p.returncode}: {p.stderr.decode()[-400:]}")
    return p.stdout.decode()


# With something to decide outside the served trees, every open that may change something is the doorman's
TRAPPING = [{"id": "elsewhere", "path": DIR + "/redirected", "ops": ["write", "create", "truncate"],
             "decision": "redirect", "to": WS + "/target"}]


def wrapper(system, share_net=False, policy="policy"):
    if system == "native":
        return []
    if system == "agentsh":
        return [BIN + "/agentsh", "--quiet", "--policy", f"{DIR}/{policy}.json", "--workspace", WS, "--"]
    return ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--bind", DIR + "/tmp", "/tmp",
            "--bind", WS, WS, "--unshare-all", "--die-with-parent"] + (["--share-net"] if share_net else []) + ["--"]


def fixtures():
    for d in (WS, HOME, BIN, DIR + "/state", DIR + "/tmp", WS + "/tree", WS + "/c"):
        os.makedirs(d)
    os.chmod(DIR, 0o755)
    shutil.copy(os.environ["AGENTSH"], BIN + "/agentsh")
    for name in ("open", "exec", "start", "connect"):
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
    call(git + ["init", "-q"])
    call(git + ["add", "."])
    call(git + ["commit", "-q", "-m", "tree"])


def rows(port):
    """Name, inside?, command, rounds of its own, wants the host's network"""
    return [
        ("start true", False, ["/bin/true"], None, False),
        ("open for read, system", True, [BIN + "/open", "read", "/etc/passwd"], None, False),
        ("open for read, workspace", True, [BIN + "/open", "read", WS + "/tree/d0/f1"], None, False),
        ("open for write, workspace", True, [BIN + "/open", "write", WS + "/written"], None, False),
        ("open for write, /tmp", True, [BIN + "/open", "write", f"/tmp/agentsh-bench-{os.getpid()}"], None, False),
        ("open for write, trapped", True, [BIN + "/open", "write", f"/tmp/agentsh-bench-{os.getpid()}"], None, False),
        ("open handed in", True, [BIN + "/open", "write", DIR + "/redirected"], None, False),
        ("fork+exec true", True, [BIN + "/exec", "/bin/true"], None, False),
        ("connect, loopback", True, [BIN + "/connect", port], None, True),
        ("git status, 5,000 files", True, [BIN + "/start", "8", "git", "-C", WS + "/tree", "status", "--porcelain"],
         None, False),
        ("make -j2, 300 C files", True, [BIN + "/start", "1", "sh", "-c", f"cd {WS}/c && rm -f *.o && make -s -j2"],
         2, False),
    ]


def measure(wanted, systems, port):
    times, failed = {}, {}
    for n in range(ROUNDS):
        for name, inside, argv, own_rounds, net in rows(port):
            if wanted and name not in wanted or own_rounds is not None and n >= own_rounds:
                continue
            for k in range(len(systems)):
                s = systems[(k + n) % len(systems)]
                w = wrapper(s, net, "trapping" if name in ("open for write, trapped", "open handed in") else "policy")
                try:
                    out = call(w + argv if inside else [BIN + "/start", "20"] + w + argv)
                    times.setdefault((name, s), []).extend(float(x) for x in out.split())
                except RuntimeError as e:
                    failed[(name, s)] = str(e)
    return times, failed


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
    if "agentsh" not in med:
        return "", None
    other = {"ratio": "native", "added": "native", "bwrap": "bubblewrap"}.get(kind)
    if other and other not in med:
        return "", None
    if kind == "us":
        return f"<= {limit:g} us", med["agentsh"] <= limit
    if kind == "added":
        return f"<= {limit:g} us more", med["agentsh"] - med[other] <= limit
    return f"<= {limit:g} x {other}", med["agentsh"] / med[other] <= limit


def report(times, failed, systems, port, wanted):
    known, result = budget(), []
    head = f"{'row':27}" + "".join(f"{s + ' median':>20}{'p99':>11}{'ratio':>8}" for s in systems) + "  budget"
    print(head + "\n" + "-" * len(head))
    for name, *_ in rows(port):
        if wanted and name not in wanted:
            continue
        med = {s: statistics.median(times[name, s]) for s in systems if (name, s) in times}
        line, entry = f"{name:27}", {"row": name}
        for s in systems:
            if s not in med:
                line += f"{'failed' if (name, s) in failed else '-':>20}{'':11}{'':8}"
                continue
            ratio = med[s] / med["native"] if "native" in med else 0
            line += f"{us(med[s]):>20}{us(p99(times[name, s])):>11}{ratio:8.2f}"
            entry[s] = {"median_us": med[s], "p99_us": p99(times[name, s]), "samples": len(times[name, s]),
                        "ratio": round(ratio, 3)}
        text, met = compare(*known[name], med) if name in known else ("", None)
        entry.update(budget=text or None, met=met)
        print(line + ("" if met is None else f"  {text}: {'met' if met else 'MISSED'}"))
        result.append(entry)
    for (name, s), why in failed.items():
        print(f"# {name}, {s}: {why}")
    return result


def main():
    systems = [s for s, on in (("native", True), ("agentsh", True), ("bubblewrap", shutil.which("bwrap"))) if on]
    server = None
    try:
        fixtures()
        server = subprocess.Popen([BIN + "/connect", "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  preexec_fn=become)
        port = server.stdout.readline().decode().strip()
        times, failed = measure(sys.argv[1:], systems, port)
        result = report(times, failed, systems, port, sys.argv[1:])
        with open(B + "/bench.json", "w") as f:
            json.dump({"kernel": os.uname().release, "cpus": os.cpu_count(), "rounds": ROUNDS, "rows": result}, f, indent=1)
        print(f"\n{ROUNDS} rounds, {os.cpu_count()} CPUs, kernel {os.uname().release}, load {os.getloadavg()[0]:.1f}; "
              f"{os.path.relpath(B)}/bench.json")
        sys.exit(1 if failed else 0)
    finally:
        if server:
            server.stdin.close()
            server.wait()
        shutil.rmtree(DIR, ignore_errors=True)


main()
