#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/claude.t - the real claude client in the cage, against the scripted stub beside this repository
. "$(dirname "$0")/lib/tap.sh"

folder=${CORPORA:-$ROOT/../shared}/clients/claude
[ -d "$folder" ] || { echo "1..0 # SKIP no clients/claude beside this clone"; exit 0; }
why=$SCRATCH/why
client=$(sh "$ROOT/tests/lib/claude-client.sh" 2>"$why") || { echo "1..0 # SKIP $(cat "$why")"; exit 0; }
export CLAUDE="$client"
cp -R "$folder" "$SCRATCH/driver"
chmod -R a+rX,u+w "$SCRATCH/driver"

# One run of the driver in a directory of its own; each of its lines is a result
session() {
	name=$1
	script=$2
	shift 2
	base=$SCRATCH/$name
	mkdir "$base"
	if [ "$(id -u)" = 0 ]; then
		set -- --user "$TEST_USER" "$@"
	fi
	out=$(python3 "$SCRATCH/driver/claude-e2e.py" --base "$base" --timeout 150 "$SCRATCH/driver/$script" \
		"$@" 2>&1) || true
	told "$name" "$out"
}

told() {
	printf '%s\n' "$2" >"$SCRATCH/out"
	like "$2" '^[0-9]+ passed, 0 failed' "$1: the driver's closing line"
	while IFS= read -r line; do
		case $line in
		'ok    '*) tap_result 0 "$1: ${line#ok    }" ;;
		'FAIL  '*) tap_result 1 "$1: ${line#FAIL  }" ;;
		*) tap_note "$line" ;;
		esac
	done <"$SCRATCH/out"
}

# The terminal session: as the user in a loopback-only network namespace, as the driver does for root
tui() {
	base=$SCRATCH/tui
	mkdir "$base"
	[ "$(id -u)" != 0 ] || chown "$TEST_USER:" "$base"
	if [ "$(id -u)" = 0 ]; then
		set -- unshare -n sh -c 'ip link set lo up && exec "$@"' _ \
			setpriv --reuid "$TEST_USER" --regid "$TEST_USER" --init-groups \
			env NONETNS=1 BASE="$base" CLAUDE="$CLAUDE" HOME="$SCRATCH/home" bash "$SCRATCH/driver/claude-tui.sh" "$@"
	else
		set -- env BASE="$base" bash "$SCRATCH/driver/claude-tui.sh" "$@"
	fi
	out=$(timeout 180 "$@" 2>&1) || true
	told "tui" "$out"
}

session native tools.json
session tools tools.json -- "$AGENTSH" --policy claude --
session refused refused.json -- "$AGENTSH" --policy claude --
tui "$AGENTSH" --policy claude --
done_testing
