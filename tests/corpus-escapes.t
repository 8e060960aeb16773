#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/corpus-escapes.t [RUNNER OPTION...] - the escape corpus beside this repository, every attack in a cage

Seconds: 3000
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/lib")
import corpus

place = corpus.copy("escapes", keep=("build",))
rows = corpus.Rows(good=("BLOCKED",), skip=("SKIP",))
for words, who in corpus.users(root=True):
    argv = ["sh", place + "/run-escapes.sh", *words, *sys.argv[1:], "--json", place + "/rows.json",
            "--setup", f"mkdir -m 777 $FIX/state; sh {place}/setup-agentsh.sh",
            "env", "XDG_STATE_HOME=@FIX@/state", corpus.AGENTSH, "--quiet", "--policy", "@FIX@/policy.json",
            "--workspace", "@WS@"]
    rows.run(argv, {"ESC_BASE": "/var/tmp", "AGENTSH_BIN": corpus.AGENTSH}, place + "/rows.json", who)
rows.end()
