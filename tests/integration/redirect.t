#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/integration/redirect.t - another program in the same task, and the environment of every program"""
import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
AGENTSH = os.environ.get("AGENTSH", os.path.join(HERE, "../../build/agentsh"))
USER = pwd.getpwnam("agentsh-test") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
TOP = tempfile.mkdtemp(prefix="agentsh-redirect.", dir="/var/tmp")
WS, BIN, HOME = TOP + "/ws", TOP + "/ws/bin", TOP + "/home"

EXPECTED = {
    "argv_lengths": [], "argv_counts": [], "without_argv": [BIN + "/other", "first", "last"], "same_task": [],
    "pending_signal": "1", "pipes": "abc", "statuses": [0, 1, 77, 255], "terminal": ["1 1"],
    "by_thread": [True, True, [BIN + "/other", "first", "t", "last"]], "by_spawn": [BIN + "/other", "first", "s", "last"],
    "by_descriptor": [BIN + "/other", "first", "d", "last"], "by_proc_name": [BIN + "/other", "first", "d", "last"],
    "loader": [[BIN + "/other", "first", "l", "last"], [BIN + "/other", "first", "l", "last"], ["l"]],
    "storm": [], "signals_on_the_way": 0, "killed_on_the_way": 0,
    "interpreter": [BIN + "/other", "first", BIN + "/by-asked", "s", "last"],
    "to_script": [BIN + "/plain", "-x", BIN + "/script", "s"],
    "no_loop": [[BIN + "/pong"], [BIN + "/ping"], [BIN + "/self", "again"]],
    "denied_target": "Permission denied", "missing_target": "Permission denied",
    "missing_program": "No such file or directory", "along_path": [BIN + "/other"],
    "by_program": [[BIN + "/by"], [BIN + "/other"]], "arguments": [[BIN + "/other"], [BIN + "/some"]],
}
EACH = {"each": [], "argv_lengths": [], "same_task_each": [], "by_thread": EXPECTED["by_thread"]}

LOOSE = dict(EACH, traced=[[BIN + "/plain"], ["Permission denied"], ["Permission denied"]])


def redirect(run, to, **more):
    return dict({"id": "to-" + (run if isinstance(run, str) else run[0]), "run": run, "decision": "redirect", "to": to}, **more)


POLICY = {
    "version": 1, "name": "redirect",
    "files": [{"id": "workspace", "path": ["${WORKSPACE}", "${WORKSPACE}/**"], "ops": ["all"], "decision": "allow"},
              {"id": "tmp", "path": ["/tmp", "/tmp/**"], "ops": ["all"], "decision": "allow"},
              {"id": "all", "path": ["/", "/**"], "ops": ["list", "stat", "read", "exec"], "decision": "allow"}],
    "commands": [
        redirect("asked", [BIN + "/other", "first", "${ARGS}", "last"], message="use the other one"),
        redirect("ping", [BIN + "/pong"]), redirect("pong", [BIN + "/ping"]),
        redirect("self", [BIN + "/self", "again", "${ARGS}"]),
        redirect("to-script", [BIN + "/script", "${ARGS}"]),
        redirect("to-denied", [BIN + "/denied"]), redirect("to-missing", [BIN + "/missing"]),
        redirect("to-name", ["other", "${ARGS}"]),
        redirect("by", [BIN + "/other"], by=["/usr/bin/dash", "/usr/bin/bash"]),
        redirect("some", [BIN + "/other"], args=["yes", "**"]),
        {"id": "denied", "run": "denied", "decision": "deny", "message": "not this one"},
    ],
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


def become():
    if os.getuid() == 0:
        os.initgroups(USER.pw_name, USER.pw_gid)
        os.setgid(USER.pw_gid)
        os.setuid(USER.pw_uid)


def fixtures():
    for d in (BIN, HOME):
        os.makedirs(d)
    source = os.path.join(HERE, "redirect_report.c")
    for name, flags in (("plain", []), ("static", ["-static"])):
        subprocess.run([os.environ.get("CC", "cc"), "-o", f"{BIN}/{name}", source] + flags, check=True)
    for name in ("asked", "other", "ping", "pong", "self", "to-script", "to-denied", "to-missing", "to-name", "by", "some",
                 "denied"):
        shutil.copy(BIN + "/plain", f"{BIN}/{name}")
    for name, text in (("by-asked", f"#!{BIN}/asked\n"), ("script", f"#!{BIN}/plain -x\n")):
        with open(f"{BIN}/{name}", "w") as f:
            f.write(text)
        os.chmod(f"{BIN}/{name}", 0o755)
    shutil.copy(os.path.join(HERE, "redirect_inside.py"), WS)
    for top, _, files in os.walk(TOP):
        for x in [top] + [f"{top}/{y}" for y in files]:
            os.chown(x, USER.pw_uid, USER.pw_gid)
            if stat.S_ISDIR(os.stat(x).st_mode):
                os.chmod(x, 0o755)


def session(policy, argv, state):
    path = f"{TOP}/{policy['name']}.json"
    with open(path, "w") as f:
        json.dump(policy, f)
    env = {"PATH": f"/usr/bin:/bin:{BIN}", "HOME": HOME, "USER": USER.pw_name, "XDG_STATE_HOME": f"{TOP}/{state}",
           "LC_ALL": "C.UTF-8"}
    return subprocess.run([AGENTSH, "--quiet", "--policy", path, "--workspace", WS, "--"] + argv, cwd=WS, env=env,
                          preexec_fn=become, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def log(state):
    lines = []
    for top, _, files in os.walk(f"{TOP}/{state}"):
        for name in files:
            if name == "audit.jsonl":
                with open(f"{top}/{name}") as f:
                    lines += [json.loads(l) for l in f]
    return lines


def compare(t, p, expected):
    got = {}
    for line in p.stdout.decode(errors="replace").splitlines():
        try:
            name, value = json.loads(line)
            got[name] = value
        except ValueError:
            t.ok(False, "a line of the inside's", line[:300])
    for name, want in expected.items():
        t.ok(got.get(name) == want, name, f"got  {str(got.get(name))[:1500]}\nwant {want}\n{p.stderr.decode()[-800:]}")


def main():
    t = Tap()
    try:
        fixtures()
        p = session(POLICY, ["python3", "redirect_inside.py", BIN], "state")
        compare(t, p, EXPECTED)
        events = log("state")
        redirects = [e for e in events if e.get("decision") == "redirect"]
        t.ok(any(e["rule"] == "to-asked" and e["object"] == BIN + "/asked" and e["err"] == "" for e in redirects),
             "the redirect is recorded, with the rule and what was asked for", redirects[:2])
        t.ok(any(e.get("object") == BIN + "/other" and e["decision"] == "allow" and e["argv"][1:2] == ["first"]
                 for e in events if e.get("op") == "run"), "and what ran instead")
        t.ok(any(e.get("rule") == "denied" and e["err"] == "EACCES" for e in events), "a denied target is refused by its own rule")
        p = session(POLICY, ["sh", "-c", f"{BIN}/asked >/dev/null; {BIN}/asked >/dev/null; agentsh why --command {BIN}/asked x"],
                    "words")
        said = p.stderr.decode()
        t.ok(said.count("redirected: run") == 1 and "[rule to-asked]: use the other one" in said, "said once, in words", said)
        t.ok("redirect" in p.stdout.decode() and BIN + "/other first" in p.stdout.decode(), "agentsh why explains it",
             p.stdout.decode() + said)
        each = dict(POLICY, name="each", environment={"each": True, "remove": ["SECRET_*"], "set": {"SETLONG": "v" * 196}})
        compare(t, session(each, ["python3", "redirect_inside.py", BIN, "each"], "each"), EACH)
        loose = dict(each, name="loose", tracing="allow")
        compare(t, session(loose, ["python3", "redirect_inside.py", BIN, "loose"], "loose"), LOOSE)
    finally:
        shutil.rmtree(TOP, ignore_errors=True)
    print(f"1..{t.count}")
    sys.exit(1 if t.failed else 0)


main()
