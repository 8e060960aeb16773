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

# Root has no rights over other people's files inside, so each has its own
chmod 755 "$SCRATCH"
mkdir "$SCRATCH/root" "$SCRATCH/root/home" "$SCRATCH/root/ws"

prepare() {
	who=$1
	base=$SCRATCH
	[ "$who" != root ] || base=$SCRATCH/root
	ws=$base/ws
	cat >"$SCRATCH/policy.json" <<END
{
	"version": 1, "name": "kernel",
	"files": [
		{ "id": "secret", "path": "$ws/secret", "ops": "all", "decision": "deny", "message": "Not for you." },
		{ "id": "ws", "path": ["$ws", "$ws/**"], "ops": "all", "decision": "allow" },
		{ "id": "system", "path": "/**", "ops": ["list", "stat", "read", "exec"], "decision": "allow" }
	],
	"defaults": { "files": "deny", "commands": "allow", "network": "deny" }
}
END
	chmod 644 "$SCRATCH/policy.json"
	echo token >"$ws/secret"
	chown "$who" "$ws/secret"
}

run_as() {
	if [ "$who" = root ]; then
		(cd "$ws" && env HOME="$base/home" XDG_STATE_HOME="$base/state" "$@")
	else
		(cd "$ws" && as_user "$@")
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
	prepare "$who"
	doctor=$(run_as "$AGENTSH" doctor 2>&1)
	is $? 0 "$who: a cage can be built"
	unlike "$doctor" MISSING "$who: nothing required is missing"
	out=$(run_as "$AGENTSH" --policy "$SCRATCH/policy.json" --workspace "$ws" -- \
		sh -c "echo written >made-$who && cat made-$who; cat secret; cat /etc/shadow | head -1; echo end" 2>&1)
	is $? 0 "$who: a session runs"
	check_lacks "$doctor" "$out"
	like "$out" '^written$' "$who: what is allowed is done"
	is "$(cat "$ws/made-$who")" written "$who: and stands outside"
	unlike "$out" token "$who: what is denied is not read"
	like "$out" '\[rule secret\]' "$who: the refusal is told with its rule"
	like "$out" 'Not for you' "$who: and with its words"
	[ "$who" = root ] || unlike "$out" 'root:' "$who: other people's files are theirs"
	like "$out" '^end$' "$who: to the end"
	is "$(run_as "$AGENTSH" --quiet --policy "$SCRATCH/policy.json" --workspace "$ws" -- \
		python3 -c 'import socket, os
a = socket.socket(socket.AF_UNIX); a.bind("s"); a.listen()
b = socket.socket(socket.AF_UNIX); b.connect("s"); print(a.getsockname(), b.getpeername()); os.unlink("s")' 2>&1)" \
		"s s" "$who: a Unix socket of the session's own"
	is "$(pgrep -c -f "$AGENTSH --" || :)" 0 "$who: nothing is left behind"
done
done_testing
