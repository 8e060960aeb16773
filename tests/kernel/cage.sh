#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/kernel/cage.sh - inside the emulated machine: what this kernel lacks is said, and the cage holds
. "$(dirname "$0")/../lib/tap.sh"

# What a kernel of that number has; "older" is true where it is less than given
major=$(uname -r | cut -d. -f1)
minor=$(uname -r | cut -d. -f2)
older() {
	[ $((major * 1000 + minor)) -lt $(($1 * 1000 + $2)) ]
}

cat >"$SCRATCH/policy.json" <<END
{
	"version": 1, "name": "kernel",
	"files": [
		{ "id": "secret", "path": "$SCRATCH/ws/secret", "ops": "all", "decision": "deny", "message": "Not for you." },
		{ "id": "ws", "path": ["$SCRATCH/ws", "$SCRATCH/ws/**"], "ops": "all", "decision": "allow" },
		{ "id": "system", "path": "/**", "ops": ["list", "stat", "read", "exec"], "decision": "allow" }
	],
	"defaults": { "files": "deny", "commands": "allow", "network": "deny" }
}
END
chmod 644 "$SCRATCH/policy.json"
echo token >"$SCRATCH/ws/secret"

run_as() {
	who=$1
	shift
	if [ "$who" = root ]; then
		(cd "$SCRATCH/ws" && env HOME="$SCRATCH/home" XDG_STATE_HOME="$SCRATCH/state-root" "$@")
	else
		(cd "$SCRATCH/ws" && as_user "$@")
	fi
}

# What this kernel is too old for: named by doctor with its price, and by the banner
check_lacks() {
	doctor=$1
	banner=$2
	while read -r ma mi name; do
		if older "$ma" "$mi"; then
			like "$doctor" "^optional +$name" "$who: doctor names $name"
			like "$banner" "this kernel lacks .*$name" "$who: so does the banner"
		else
			like "$doctor" "^ok +$name" "$who: $name is there"
			unlike "$banner" "lacks .*$name" "$who: the banner is silent about it"
		fi
	done <<END
6 7 Landlock: network
6 12 Landlock: scopes
6 6 SYNC_WAKE_UP
6 9 PIDFD_THREAD
END
}

for who in "$TEST_USER" root; do
	doctor=$(run_as "$who" "$AGENTSH" doctor 2>&1)
	is $? 0 "$who: a cage can be built"
	unlike "$doctor" MISSING "$who: nothing required is missing"
	out=$(run_as "$who" "$AGENTSH" --policy "$SCRATCH/policy.json" --workspace "$SCRATCH/ws" -- \
		sh -c "echo written >made-$who && cat made-$who; cat secret; cat /etc/shadow | head -1; echo end" 2>&1)
	is $? 0 "$who: a session runs"
	check_lacks "$doctor" "$out"
	like "$out" '^written$' "$who: what is allowed is done"
	is "$(cat "$SCRATCH/ws/made-$who")" written "$who: and stands outside"
	unlike "$out" token "$who: what is denied is not read"
	like "$out" '\[rule secret\]' "$who: the refusal is told with its rule"
	like "$out" 'Not for you' "$who: and with its words"
	unlike "$out" 'root:' "$who: other people's files are theirs"
	like "$out" '^end$' "$who: to the end"
	is "$(run_as "$who" "$AGENTSH" --quiet --policy "$SCRATCH/policy.json" --workspace "$SCRATCH/ws" -- \
		python3 -c 'import socket, os
a = socket.socket(socket.AF_UNIX); a.bind("s"); a.listen()
b = socket.socket(socket.AF_UNIX); b.connect("s"); print(a.getsockname(), b.getpeername()); os.unlink("s")' 2>&1)" \
		"s s" "$who: a Unix socket of the session's own"
	is "$(pgrep -c -f "$AGENTSH --" || :)" 0 "$who: nothing is left behind"
done
done_testing
