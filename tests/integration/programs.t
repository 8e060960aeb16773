#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/integration/programs.t - scripts, loaders, memory files, descriptors: every way to start a program, allowed and denied

Natively everything runs; in the cage the same with the one program, and with
the other, which a rule denies, nothing does. What differs is listed.
"""
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
AGENTSH = os.environ.get("AGENTSH", os.path.join(HERE, "../../build/agentsh"))
USER = pwd.getpwnam("agentsh-test") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
TOP = tempfile.mkdtemp(prefix="agentsh-programs.", dir="/var/tmp")
WS, BIN, HOME = TOP + "/ws", TOP + "/ws/bin", TOP + "/home"
NO = "Permission denied"
# With a cage: programs without a name have no rule, and what nobody may read cannot be checked
CAGED_GOOD = {"memory": NO, "memory_by_name": NO, "nameless": NO, "deleted": NO, "unreadable": NO}
# The rule denies by name: what natively runs the program under its name does not run it here
SAME_BAD = {"copied", "not_executable", "script_of_nothing", "empty", "self", "setuid_mode"}

SOURCE = """
#include <stdio.h>
int main(void) { puts("ran %s"); return 0; }
"""
POLICY = {
    "version": 1, "name": "programs",
    "files": [{"id": "workspace", "path": ["${WORKSPACE}", "${WORKSPACE}/**"], "ops": ["all"], "decision": "allow"},
              {"id": "tmp", "path": ["/tmp", "/tmp/**"], "ops": ["all"], "decision": "allow"},
              {"id": "all", "path": ["/", "/**"], "ops": ["list", "stat", "read", "exec"], "decision": "allow"}],
    "commands": [{"id": "bad", "run": "bad", "decision": "deny", "message": "run good"}],
    "defaults": {"files": "deny", "commands": "allow", "network": "deny", "sockets": "deny"},
}
count = failed = 0


def ok(good, what, detail=""):
    global count, failed
    count += 1
    failed += not good
    print(f"{'' if good else 'not '}ok {count} - {what}", flush=True)
    if not good:
        print("# " + str(detail).replace("\n", "\n# "), flush=True)


def become():
    if os.getuid() == 0:
        os.initgroups(USER.pw_name, USER.pw_gid)
        os.setgid(USER.pw_gid)
        os.setuid(USER.pw_uid)


def session(prefix):
    env = {"PATH": "/usr/bin:/bin", "HOME": HOME, "USER": USER.pw_name, "XDG_STATE_HOME": TOP + "/state", "LC_ALL": "C.UTF-8"}
    p = subprocess.run(prefix + ["/usr/bin/python3", "programs_inside.py", BIN], cwd=WS, env=env, preexec_fn=become,
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    facts = {}
    for line in p.stdout.decode().splitlines():
        name, good, bad = json.loads(line)
        facts[name] = (good, bad)
    return facts, p.stderr.decode()


def denied(value):
    """The same shape with a refusal wherever something ran"""
    if isinstance(value, list):
        return [denied(v) for v in value]
    return NO if isinstance(value, str) and value.startswith("ran ") else value


def is_refused(got, native):
    """The shell and the loader end with a status where a call gives an errno"""
    if isinstance(native, list):
        return isinstance(got, list) and len(got) == len(native) and all(is_refused(*p) for p in zip(got, native))
    if isinstance(native, str) and native.startswith("ran "):
        return got == NO or isinstance(got, int) and got != 0
    return got == native


def main():
    try:
        for d in (BIN, HOME):
            os.makedirs(d)
        for name in ("good", "bad"):
            subprocess.run([os.environ.get("CC", "cc"), "-x", "c", "-o", f"{BIN}/{name}", "-"], check=True,
                           input=(SOURCE % name).encode())
        shutil.copy(os.path.join(HERE, "programs_inside.py"), WS)
        for top, _, files in os.walk(TOP):
            for x in [top] + [f"{top}/{y}" for y in files]:
                os.chown(x, USER.pw_uid, USER.pw_gid)
        os.chmod(TOP, 0o755)
        native, said = session([])
        ok(len(native) == 20 and native["scripts"][1][:5] == ["ran bad"] * 5 and native["memory"][1] == "ran bad",
           "natively everything runs", f"{native}\n{said}")
        with open(TOP + "/policy.json", "w") as f:
            json.dump(POLICY, f)
        caged, said = session([AGENTSH, "--quiet", "--policy", TOP + "/policy.json", "--workspace", WS, "--"])
        for name, (good, bad) in native.items():
            got = caged.get(name, ("nothing", "nothing"))
            want = CAGED_GOOD.get(name, good)
            ok(got[0] == want, f"{name}: the allowed program", f"got  {got[0]}\nwant {want}\n{said[-500:]}")
            if name in SAME_BAD:
                ok(got[1] == bad, f"{name}: what no rule denies", f"got  {got[1]}\nwant {bad}")
            else:
                ok(is_refused(got[1], bad), f"{name}: the denied program", f"got  {got[1]}\nnatively {bad}")
        ok("[rule bad]: run good" in said and "memory-file" in said and "unreadable-program" in said, "said in words", said)
    finally:
        shutil.rmtree(TOP, ignore_errors=True)
    print(f"1..{count}")
    sys.exit(1 if failed else 0)


main()
