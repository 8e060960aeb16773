#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/codex.t - the real codex client in the cage, against the scripted stub beside this repository; as a user and as root
. "$(dirname "$0")/lib/tap.sh"

folder=${CORPORA:-$ROOT/../shared}/clients/codex
[ -d "$folder" ] || { echo "1..0 # SKIP no clients/codex beside this clone"; exit 0; }
why=$SCRATCH/why
client=${CODEX:-$(sh "$ROOT/tests/lib/client.sh" @openai/codex codex 2>"$why")} || { echo "1..0 # SKIP $(cat "$why")"; exit 0; }
chmod 755 "$SCRATCH"
cp -R "$folder" "$SCRATCH/driver"
chmod -R a+rX,u+w "$SCRATCH/driver"

# Root's state must not lie in a folder of somebody else's
places=$(mktemp -d /var/tmp/agentsh-test.XXXXXX)
chmod 755 "$places"
trap 'rm -rf "$SCRATCH" "$places"' EXIT

# What is refused, what is said of it, and that work goes on; the twins of both
cat >"$SCRATCH/refused.json" <<'END'
[ {"command":"echo x >> ~/.bashrc; echo status=$?; cat ~/.bashrc", "expect":"denied: write.*status=[1-9]"},
  {"command":"cat ~/.ssh/id_ed25519 2>&1; ls -a ~ | grep -c '^.ssh$'", "expect":"(denied|No such file)"},
  {"command":"echo 'model=1' > ~/.codex/config.toml; echo status=$?", "expect":"denied: create.*status=[1-9]"},
  {"command":"mkdir -p .git/hooks; echo x > .git/hooks/pre-commit; echo status=$?", "expect":"denied: create.*status=[1-9]"},
  {"command":"echo x > /etc/agentsh-codex; echo status=$?", "expect":"status=[1-9]"},
  {"command":"python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", 9), 2)' 2>&1 | tail -1", "expect":"(PermissionError|ConnectionRefused)"},
  {"command":"git init -q repo && cd repo && echo a > a && git add a && git -c user.name=T -c user.email=t@example.org commit -qm one && git log --format=%s && cd .. && mv repo moved && ls moved", "expect":"one\\na"},
  {"command":"for i in 1 2 3; do (sleep .1; echo $i >> n) & done; wait; sort n | tr -d '\\n'", "expect":"123"},
  {"command":"python3 - <<'P'\nimport subprocess\nprint(subprocess.run(['seq', '3'], capture_output=True, text=True).stdout.split())\nP", "expect":"'1', '2', '3'"} ]
END

chmod 644 "$SCRATCH/refused.json"
script=$SCRATCH/driver/codex.json

# One run of the driver with $script in a network namespace of the loopback alone; each of its lines is a result
session() { # NAME USER WRAPPER...
	name=$1
	user=$2
	shift 2
	base=$places/$name
	mkdir -p "$base"
	if [ "$(id -u)" = 0 ]; then
		chown -R "$user:" "$base"
		set -- unshare -n sh -c 'ip link set lo up && exec "$@"' _ setpriv --reuid "$user" --regid "$user" --init-groups \
			env NONETNS=1 BASE="$base" CODEX="$client" T=100 bash "$SCRATCH/driver/codex-e2e.sh" "$script" "$@"
	else
		set -- env NONETNS=1 BASE="$base" CODEX="$client" T=100 bash "$SCRATCH/driver/codex-e2e.sh" "$script" "$@"
	fi
	out=$(timeout 180 "$@" 2>&1) || true
	printf '%s\n' "$out" >"$SCRATCH/out"
	like "$out" '^[0-9]+ passed, 0 failed' "$name: the driver's closing line"
	while IFS= read -r line; do
		case $line in
		'ok    '*) tap_result 0 "$name: $(printf '%.60s' "${line#ok    }" | tr -d '\134')" ;;
		'FAIL  '*) tap_result 1 "$name: $(printf '%.60s' "${line#FAIL  }" | tr -d '\134')" ;;
		*) tap_note "$line" ;;
		esac
	done <"$SCRATCH/out"
}

session native "$TEST_USER"
session first "$TEST_USER" "$AGENTSH" --policy codex --
# once more in the same home: its skills stand now, and are not changed
rm -rf "$places/first/port" "$places/first/ws"
session first "$TEST_USER" "$AGENTSH" --policy codex --
skill=$(find "$places/first/home/.codex/skills/.system" -name SKILL.md 2>/dev/null | head -n 1)
if [ -n "$skill" ]; then
	as_user env HOME="$places/first/home" "$AGENTSH" --quiet --policy codex --workspace "$places/first/ws" -- \
		sh -c "echo x >>'$skill'; echo x >'$places/first/home/.codex/config.toml'; echo x >'$places/first/home/.codex/history.jsonl'" >"$SCRATCH/out" 2>&1
	like "$(cat "$SCRATCH/out")" 'rule codex-skills-inside\]' "what the client unpacked is not changed by a later session"
	like "$(cat "$SCRATCH/out")" 'rule codex-config\]' "nor its settings made"
	ok "while its history is written" test -s "$places/first/home/.codex/history.jsonl"
fi
# what is refused, and what goes on all the same
refuse() { # NAME USER
	mkdir -p "$places/$1/home/.ssh"
	echo '# start-up' >"$places/$1/home/.bashrc"
	echo 'PRIVATE' >"$places/$1/home/.ssh/id_ed25519"
	chmod 600 "$places/$1/home/.ssh/id_ed25519"
	script=$SCRATCH/refused.json
	session "$1" "$2" "$AGENTSH" --policy codex --
	script=$SCRATCH/driver/codex.json
	is "$(cat "$places/$1/home/.bashrc")" '# start-up' "$1: the start-up file is as it was"
}
refuse refused "$TEST_USER"
# the address that the command line names, and no other
session elsewhere "$TEST_USER" "$AGENTSH" --policy developer -- >"$SCRATCH/elsewhere.out"
TAP_COUNT=$((TAP_COUNT - $(grep -c '^\(not \)\?ok' "$SCRATCH/elsewhere.out")))
TAP_FAILED=$((TAP_FAILED - $(grep -c '^not ok' "$SCRATCH/elsewhere.out")))
like "$(cat "$SCRATCH/elsewhere.out")" 'not ok .*closing line' "under another policy it does not reach its service"
if [ "$(id -u)" = 0 ]; then
	session root root "$AGENTSH" --policy codex --
	refuse refused-root root
fi
done_testing
