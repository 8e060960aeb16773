#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/claude.t - the real claude client in the cage, against the scripted stub beside this repository; as a user and as root
. "$(dirname "$0")/lib/tap.sh"

folder=${CORPORA:-$ROOT/../shared}/clients/claude
[ -d "$folder" ] || { echo "1..0 # SKIP no clients/claude beside this clone"; exit 0; }
why=$SCRATCH/why
client=${CLAUDE:-$(sh "$ROOT/tests/lib/client.sh" @anthropic-ai/claude-code claude 2>"$why")} || { echo "1..0 # SKIP $(cat "$why")"; exit 0; }
export CLAUDE="$client"
cp -R "$folder" "$SCRATCH/driver"
chmod -R a+rX,u+w "$SCRATCH/driver"

# Root's state must not lie in a folder of somebody else's
places=$(mktemp -d /var/tmp/agentsh-test.XXXXXX)
chmod 755 "$places"
trap 'rm -rf "$SCRATCH" "$places"' EXIT

# One run of the driver in a directory of its own; each of its lines is a result
session() {
	name=$1
	script=$2
	shift 2
	base=$places/$name
	mkdir "$base"
	case $(id -u):$name in
	0:*-root) ;;
	0:*) set -- --user "$TEST_USER" "$@" ;;
	esac
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
session quick quick.json -- "$AGENTSH" --policy claude --
session which-shell which-shell.json -- "$AGENTSH" --policy claude --
if [ "$(id -u)" = 0 ]; then
	session tools-root tools.json -- "$AGENTSH" --policy claude --
	session refused-root refused.json -- "$AGENTSH" --policy claude --
fi
tui "$AGENTSH" --policy claude --
done_testing
