#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/integration/options.t - The command line: what is wrong is refused in one sentence, with 125, and nothing starts
. "$(dirname "$0")/../lib/tap.sh"
cd "$SCRATCH/ws" || exit 1
mark=$SCRATCH/ws/started

# refused DESC PATTERN ARGS...: 125, one line that matches, the command not started, no session left
refused() {
	desc=$1
	pattern=$2
	shift 2
	rm -f "$mark"
	out=$(as_user "$AGENTSH" "$@" touch "$mark" 2>&1)
	status=$?
	is "$status" 125 "$desc: status 125"
	like "$out" "$pattern" "$desc: says why"
	is "$(printf '%s\n' "$out" | wc -l)" 1 "$desc: in one line"
	not_ok "$desc: nothing was started" test -e "$mark"
}

refused "unknown option" 'unknown option "--frobnicate"' --frobnicate
refused "abbreviated option" 'unknown option "--pol"' --pol developer
refused "policy that is not there" 'nosuch' --policy ./nosuch.json
refused "built-in policy that is not there" 'nosuch' --policy nosuch
refused "policy given twice" '--policy is given twice' --policy developer --policy claude
refused "empty policy" '--policy wants a value' --policy=
refused "flag with a value" '--quiet takes no value' --quiet=yes
refused "workspace that is not there" 'nosuch' --workspace "$SCRATCH/nosuch"
refused "workspace that is a file" 'directory|folder|file' --workspace /etc/passwd
refused "the whole system as workspace" '/' --workspace /
refused "descriptor that is not a number" '--pass-fd wants' --pass-fd x
refused "descriptor that is not open" 'no such descriptor' --pass-fd 777
refused "host that is a name" 'name' --allow-host example.org:80
refused "host without a sense" 'port' --allow-host 127.0.0.1:99999
refused "read grant that is not there" 'nosuch' --allow-read "$SCRATCH/nosuch"
refused "write grant that is not there" 'nosuch' --allow-write "$SCRATCH/nosuch"

out=$(as_user "$AGENTSH" 2>&1)
is "$?" 125 "no command: status 125"
like "$out" 'no command' "no command: says so"
out=$(as_user "$AGENTSH" -- '' 2>&1)
is "$?" 125 "empty command: status 125"
out=$(as_user "$AGENTSH" --json --frobnicate x 2>&1)
like "$out" '^\{"error":' "with --json the sentence is JSON"
is "$(find "$SCRATCH/state" -mindepth 2 -maxdepth 2 -type d | wc -l)" 0 "nothing of the refused is left in the state directory"

out=$(as_user "$AGENTSH" --json --policy nosuch -- true 2>&1)
is "$?" 125 "with --json a refused policy: status 125"
like "$out" '^\{"error":.*nosuch' "with --json a refused policy is told in JSON"
out=$(as_user "$AGENTSH" --json -- sh -c 'echo x >> ~/.bashrc' 2>&1 | tail -1)
is "$(printf '%s' "$out" | python3 -c 'import json,sys; r = json.load(sys.stdin)["refused"][0]; print(r["op"], r["rule"], r["count"])')" \
	"create shell-rc 1" "with --json the summary is JSON"

# what follows the command is the command's
out=$(as_user "$AGENTSH" --quiet -- echo --policy nosuch -- x 2>&1)
is "$out" "--policy nosuch -- x" "options of the command are the command's"
out=$(as_user "$AGENTSH" --quiet echo --frobnicate 2>&1)
is "$out" "--frobnicate" "also without --"
out=$(as_user "$AGENTSH" --quiet --policy=developer --workspace="$SCRATCH/ws" -- pwd 2>&1)
is "$out" "$SCRATCH/ws" "values after = are taken"
out=$(as_user "$AGENTSH" --dry-run 2>&1)
is "$?" 0 "--dry-run: status 0"
like "$out" "$SCRATCH/ws" "--dry-run shows the plan"
is "$(find "$SCRATCH/state" -mindepth 2 -maxdepth 2 -name '*-*-*' -type d | wc -l)" 4 "--dry-run makes no session"
as_user "$AGENTSH" --quiet -- /nonexistent/program 2>/dev/null
is "$?" 127 "not found: 127"
as_user "$AGENTSH" --quiet -- no-such-program-at-all 2>/dev/null
is "$?" 127 "not found on PATH: 127"
as_user "$AGENTSH" --quiet -- /etc/passwd 2>/dev/null
is "$?" 126 "not executable: 126"
as_user "$AGENTSH" --quiet -- sh -c 'exit 42'
is "$?" 42 "the command's own status"

# what it is given to read is a file of the host's, on the host's own mount
as_user sh -c 'echo kept >~/input'
out=$(as_user "$AGENTSH" --quiet -- python3 -c 'import os, sys
for path in "/proc/self/fd/0", "/dev/stdin":
	for empty in (lambda: os.truncate(path, 0), lambda: os.open(path, os.O_RDONLY | os.O_TRUNC)):
		try:
			empty()
			print("emptied")
		except PermissionError:
			print("refused")
with open("own", "w") as own:
	own.write("text")
os.truncate("own", 1)
print(os.stat("own").st_size, sys.stdin.read())' <"$SCRATCH/home/input" 2>&1 | tr '\n' ' ')
is "$out" "refused refused refused refused 1 kept  " "standard input is not emptied by opening it anew, and the workspace's own files are"
for option in --policy --workspace --allow-read --allow-write --allow-host --pass-fd --dry-run --quiet --json; do
	like "$(as_user "$AGENTSH" --help)" "$option" "--help knows $option"
done
done_testing
