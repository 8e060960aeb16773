#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/corpus-friction.t [RUNNER OPTION...] - ordinary work of the friction corpus, in a cage as natively

Seconds: 3000
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/lib")
import corpus

place = corpus.copy("friction", keep=("cache",))
corpus.client(place + "/cache/agents")
rows = corpus.Rows(good=("OK",), skip=("SKIP", "INVALID"), impossible=("sys-owner-root",))
for words, who in corpus.users(root=False):
    argv = [sys.executable, place + "/run-friction.py", *words, *sys.argv[1:], "--json", place + "/rows.json",
            "-T", "homewrite,registry", "--setup", f"sh {place}/setup-agentsh.sh",
            "env", "XDG_STATE_HOME=@FIX@/state", corpus.AGENTSH, "--quiet", "--policy", "@FIX@/policy.json",
            "--workspace", "@WS@"]
    rows.run(argv, {"FRICTION_BASE": place + "/fix"}, place + "/rows.json", who)
rows.end()
