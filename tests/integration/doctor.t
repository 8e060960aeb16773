#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/integration/doctor.t - doctor says what is there, what is missing, and the next command
. "$(dirname "$0")/../lib/tap.sh"

out=$(as_user "$AGENTSH" doctor 2>&1)
is $? 0 "a cage can be built on this machine"
like "$out" '^A cage can be built' "and doctor says so"
like "$out" '^ok +user namespace' "user namespaces are tried"
unlike "$out" MISSING "nothing is missing"

out=$(as_user "$AGENTSH" doctor --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
print(d["cage"], len(d["checks"]) > 15, all(c["ok"] for c in d["checks"] if c["need"] == "required"))')
is "$out" "True True True" "the same as JSON"

# A machine without user namespaces: the limit of a namespace around doctor is 0
out=$(as_user unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$0" doctor' "$AGENTSH" 2>&1)
is $? 1 "no user namespaces: no cage"
like "$out" '^MISSING +user namespace: their number is limited to 0' "the cause is named"
like "$out" 'next: sudo sysctl -w user.max_user_namespaces=' "and the command to type"
like "$out" '^ok +seccomp notification' "what needs none is still tried"
is "$(printf '%s\n' "$out" | grep -c 'next:')" 1 "one cause, one command"

# A machine whose /dev/fuse is another's: a read-only null device stands in for it
out=$(as_user unshare -Urm sh -c 'mount --bind /dev/null /dev/fuse && exec "$0" doctor' "$AGENTSH" 2>&1)
is $? 1 "no usable /dev/fuse: no cage"
like "$out" '^MISSING +/dev/fuse' "and doctor names it"

out=$(as_user "$AGENTSH" doctor --verbose 2>&1)
is $? 125 "an unknown option is refused"
like "$out" 'no argument but --json' "in one sentence"
done_testing
