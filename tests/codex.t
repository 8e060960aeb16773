#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/codex.t - the real codex client in the cage, against the scripted stub beside this repository
. "$(dirname "$0")/lib/tap.sh"

folder=${CORPORA:-$ROOT/../shared}/clients/codex
[ -d "$folder" ] || { echo "1..0 # SKIP no clients/codex beside this clone"; exit 0; }
why=$SCRATCH/why
client=$(sh "$ROOT/tests/lib/codex-client.sh" 2>"$why") || { echo "1..0 # SKIP $(cat "$why")"; exit 0; }
chmod 755 "$SCRATCH"
cp -R "$folder" "$SCRATCH/driver"
chmod -R a+rX,u+w "$SCRATCH/driver"

# One run of the driver in a network namespace of the loopback alone; each of its lines is a result
session() { # NAME USER WRAPPER...
	name=$1
	user=$2
	shift 2
	base=$SCRATCH/$name
	mkdir -p "$base"
	if [ "$(id -u)" = 0 ]; then
		chown -R "$user:" "$base"
		set -- unshare -n sh -c 'ip link set lo up && exec "$@"' _ setpriv --reuid "$user" --regid "$user" --init-groups \
			env NONETNS=1 BASE="$base" CODEX="$client" T=100 bash "$SCRATCH/driver/codex-e2e.sh" "$SCRATCH/driver/codex.json" "$@"
	else
		set -- env NONETNS=1 BASE="$base" CODEX="$client" T=100 bash "$SCRATCH/driver/codex-e2e.sh" "$SCRATCH/driver/codex.json" "$@"
	fi
	out=$(timeout 180 "$@" 2>&1) || true
	printf '%s\n' "$out" >"$SCRATCH/out"
	like "$out" '^[0-9]+ passed, 0 failed' "$name: the driver's closing line"
	while IFS= read -r line; do
		case $line in
		'ok    '*) tap_result 0 "$name: $(printf '%.60s' "${line#ok    }" | tr -d '\\')" ;;
		'FAIL  '*) tap_result 1 "$name: $(printf '%.60s' "${line#FAIL  }" | tr -d '\\')" ;;
		*) tap_note "$line" ;;
		esac
	done <"$SCRATCH/out"
}

session native "$TEST_USER"
session first "$TEST_USER" "$AGENTSH" --policy codex --
# once more in the same home: its skills stand now, and are not changed
rm -rf "$SCRATCH/first/port" "$SCRATCH/first/ws"
session first "$TEST_USER" "$AGENTSH" --policy codex --
skill=$(find "$SCRATCH/first/home/.codex/skills/.system" -name SKILL.md 2>/dev/null | head -n 1)
if [ -n "$skill" ]; then
	as_user env HOME="$SCRATCH/first/home" "$AGENTSH" --quiet --policy codex --workspace "$SCRATCH/first/ws" -- \
		sh -c "echo x >>'$skill'; echo x >'$SCRATCH/first/home/.codex/config.toml'; echo x >'$SCRATCH/first/home/.codex/history.jsonl'" >"$SCRATCH/out" 2>&1
	like "$(cat "$SCRATCH/out")" 'rule codex-skills\]' "what the client unpacked is not changed by a later session"
	like "$(cat "$SCRATCH/out")" 'rule codex-config\]' "nor its settings made"
	ok "while its history is written" test -s "$SCRATCH/first/home/.codex/history.jsonl"
fi
# the address that the command line names, and no other
session elsewhere "$TEST_USER" "$AGENTSH" --policy developer -- >"$SCRATCH/elsewhere.out"
TAP_COUNT=$((TAP_COUNT - $(grep -c '^\(not \)\?ok' "$SCRATCH/elsewhere.out")))
TAP_FAILED=$((TAP_FAILED - $(grep -c '^not ok' "$SCRATCH/elsewhere.out")))
like "$(cat "$SCRATCH/elsewhere.out")" 'not ok .*closing line' "under another policy it does not reach its service"
[ "$(id -u)" != 0 ] || session root root "$AGENTSH" --policy codex --
done_testing
