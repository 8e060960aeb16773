#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/codex.t - the real codex client in the cage, against the scripted stub beside this repository; as a user and as root
. "$(dirname "$0")/lib/tap.sh"

folder=${CORPORA:-$ROOT/../shared}/clients/codex
[ -d "$folder" ] || { echo "1..0 # SKIP no clients/codex beside this clone"; exit 0; }
why=$SCRATCH/why
CODEX=${CODEX:-$(sh "$ROOT/tests/lib/client.sh" @openai/codex codex 2>"$why")} || { echo "1..0 # SKIP $(cat "$why")"; exit 0; }
cp -R "$folder" "$SCRATCH/driver"
chmod -R a+rX,u+w "$SCRATCH/driver"

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

# session NAME USER SCRIPT WRAPPER...: in a network of its own with loopback only, as the driver does for root
session() {
	name=$1
	user=$2
	script=$3
	shift 3
	base=$(mktemp -d "$places/$name.XXXXXX")
	chmod 755 "$base"
	mkdir -p "$base/home/.ssh" "$base/ws"
	echo '# start-up' >"$base/home/.bashrc"
	echo 'PRIVATE' >"$base/home/.ssh/id_ed25519"
	chmod 600 "$base/home/.ssh/id_ed25519"
	set -- env BASE="$base" CODEX="$CODEX" T=120 bash "$SCRATCH/driver/codex-e2e.sh" "$script" "$@"
	if [ "$(id -u)" = 0 ] && [ "$user" != root ]; then
		chown -R "$user:" "$base"
		set -- unshare -n sh -c 'ip link set lo up && exec "$@"' _ \
			setpriv --reuid "$user" --regid "$user" --init-groups env NONETNS=1 "$@"
	fi
	out=$(timeout 180 "$@" 2>&1) || true
	told "$name" "$out"
	[ "$(cat "$base/home/.bashrc")" = '# start-up' ] || tap_result 1 "$name: the start-up file is as it was"
}

# Root's state must not lie in a folder of somebody else's
places=$(mktemp -d /var/tmp/agentsh-test.XXXXXX)
chmod 755 "$places"
trap 'rm -rf "$SCRATCH" "$places"' EXIT
tools=$SCRATCH/driver/codex.json
chmod 644 "$SCRATCH/refused.json"
session native "$TEST_USER" "$tools"
session tools "$TEST_USER" "$tools" "$AGENTSH" --policy codex --
session refused "$TEST_USER" "$SCRATCH/refused.json" "$AGENTSH" --policy codex --
if [ "$(id -u)" = 0 ]; then
	session tools-root root "$tools" "$AGENTSH" --policy codex --
	session refused-root root "$SCRATCH/refused.json" "$AGENTSH" --policy codex --
fi
done_testing
