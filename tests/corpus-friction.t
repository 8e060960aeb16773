#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/corpus-friction.t [RUNNER OPTION...] - ordinary work of the friction corpus, in a cage as natively

As root too with AGENTSH_LONG=1.
Seconds: 3000
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/lib")
import corpus

# They expect to be refused, and are natively run too: as root they set the clock and mount over /mnt
REFUSED = ("sys-date.sh", "sys-privileged-fail.sh")

place = corpus.copy("friction", keep=("cache",))
corpus.client(place + "/cache/agents")
rows = corpus.Rows(good=("OK",), skip=("SKIP", "INVALID"), impossible=("sys-owner-root",))
for words, who in corpus.users(root=bool(os.environ.get("AGENTSH_LONG"))):
    if who == "root":
        os.makedirs("/run/sshd", 0o755, exist_ok=True)  # which root's sshd wants
        for name in REFUSED:
            os.unlink(f"{place}/checks/{name}")
    argv = [sys.executable, place + "/run-friction.py", *words, *sys.argv[1:], "--json", place + "/rows.json",
            "-T", "homewrite,registry", "--setup", f"sh {place}/setup-agentsh.sh",
            "env", "XDG_STATE_HOME=@FIX@/state", corpus.AGENTSH, "--quiet", "--policy", "@FIX@/policy.json",
            "--workspace", "@WS@"]
    rows.run(argv, {"FRICTION_BASE": place + "/fix"}, place + "/rows.json", who)
rows.end()
