#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/lib/try.sh - "make try": one session to look at
#
# A shell in the cage writes in the workspace, is refused the user's start-up
# file, goes on; then the words and the log of it. As an ordinary user, also
# when root tries.
set -eu
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
AGENTSH=${AGENTSH:-$ROOT/build/agentsh}
dir=$(mktemp -d /var/tmp/agentsh-try.XXXXXX)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$dir/home" "$dir/project"
echo '# start-up' >"$dir/home/.bashrc"
install -m 755 "$AGENTSH" "$dir/agentsh"
chmod 755 "$dir"
user=$(id -un)
if [ "$(id -u)" = 0 ]; then
	sh "$ROOT/tests/lib/setup.sh"
	user=agentsh-test
	chown -R "$user:" "$dir"
fi

as_user() {
	if [ "$(id -u)" = 0 ]; then
		set -- setpriv --reuid "$user" --regid "$user" --init-groups "$@"
	fi
	env -u XDG_CONFIG_HOME -u XDG_STATE_HOME -u XDG_RUNTIME_DIR HOME="$dir/home" USER="$user" LOGNAME="$user" "$@"
}

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n== %s\n' "$*"; }

cd "$dir/project"
if ! as_user "$dir/agentsh" doctor >"$dir/doctor"; then
	grep -A2 MISSING "$dir/doctor"
	exit 1
fi
say "$user runs a shell in the cage: it writes in the workspace, then in ~/.bashrc"
set +e
as_user "$dir/agentsh" -- sh -c '
	echo "work" >notes && echo "notes: $(cat notes)"
	echo "alias ls=evil" >>~/.bashrc
	echo "status of the write: $?"'
status=$?
set -e
say "what the user has on disk afterwards"
cat "$dir/project/notes" "$dir/home/.bashrc"
say "what the log has"
as_user "$dir/agentsh" log | tail -5
say "why"
as_user "$dir/agentsh" why --path "$dir/home/.bashrc" --op write || true
if [ "$status" != 0 ] || ! grep -qx work "$dir/project/notes" || [ "$(cat "$dir/home/.bashrc")" != '# start-up' ]; then
	say "something is wrong: the write in the workspace or the refusal did not happen (status $status)"
	exit 1
fi
say "it works"
