# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/lib/tap.sh - for tests in sh: results, a scratch directory, the test user
#
# Source it:  . "$(dirname "$0")/../lib/tap.sh"
#
#	$AGENTSH	the program, runnable by the test user
#	$SCRATCH	private directory of this test, the test user's, on disk, outside /tmp
#	$TEST_USER	who as_user is: agentsh-test when root runs the tests, else oneself
#	as_user CMD...	run as that user with HOME=$SCRATCH/home and an empty XDG state
#	ok DESC CMD...	passes when CMD succeeds; not_ok DESC CMD... when it fails
#	is GOT WANT DESC; like TEXT EXTENDED-REGEX DESC; unlike ...
#	skip DESC WHY
#	done_testing	last line of the test
ROOT=$(cd "$(dirname "$0")" && while [ ! -f Makefile ]; do cd ..; done; pwd)
AGENTSH=${AGENTSH:-$ROOT/build/agentsh}
TAP_COUNT=0
TAP_FAILED=0
if [ "$(id -u)" = 0 ]; then
	TEST_USER=agentsh-test
	sh "$ROOT/tests/lib/setup.sh"
else
	TEST_USER=$(id -un)
fi
SCRATCH=$(mktemp -d /var/tmp/agentsh-test.XXXXXX)
mkdir "$SCRATCH/home" "$SCRATCH/ws" "$SCRATCH/state"
[ "$(id -u)" != 0 ] || chown -R "$TEST_USER:" "$SCRATCH"
trap 'rm -rf "$SCRATCH"' EXIT
trap 'exit 1' HUP INT TERM

as_user() {
	if [ "$(id -u)" = 0 ]; then
		set -- setpriv --reuid "$TEST_USER" --regid "$TEST_USER" --init-groups "$@"
	fi
	env -u XDG_CONFIG_HOME -u XDG_RUNTIME_DIR HOME="$SCRATCH/home" USER="$TEST_USER" \
		LOGNAME="$TEST_USER" XDG_STATE_HOME="$SCRATCH/state" "$@"
}

tap_result() {
	TAP_COUNT=$((TAP_COUNT + 1))
	if [ "$1" = 0 ]; then
		echo "ok $TAP_COUNT - $2"
	else
		echo "not ok $TAP_COUNT - $2"
		TAP_FAILED=$((TAP_FAILED + 1))
	fi
}

tap_note() {
	printf '%s\n' "$1" | sed 's/^/# /'
}

ok() {
	tap_desc=$1
	shift
	if tap_out=$("$@" 2>&1); then
		tap_result 0 "$tap_desc"
	else
		tap_result 1 "$tap_desc"
		tap_note "$tap_out"
	fi
}

not_ok() {
	tap_desc=$1
	shift
	if tap_out=$("$@" 2>&1); then
		tap_result 1 "$tap_desc"
		tap_note "$tap_out"
	else
		tap_result 0 "$tap_desc"
	fi
}

is() {
	if [ "$1" = "$2" ]; then
		tap_result 0 "$3"
	else
		tap_result 1 "$3"
		tap_note "got:  $1"
		tap_note "want: $2"
	fi
}

like() {
	if printf '%s\n' "$1" | grep -Eq -e "$2"; then
		tap_result 0 "$3"
	else
		tap_result 1 "$3"
		tap_note "got: $1"
		tap_note "want match: $2"
	fi
}

unlike() {
	if printf '%s\n' "$1" | grep -Eq -e "$2"; then
		tap_result 1 "$3"
		tap_note "got: $1"
		tap_note "want no match: $2"
	else
		tap_result 0 "$3"
	fi
}

skip() {
	TAP_COUNT=$((TAP_COUNT + 1))
	echo "ok $TAP_COUNT - $1 # SKIP $2"
}

done_testing() {
	echo "1..$TAP_COUNT"
	[ "$TAP_FAILED" = 0 ] || exit 1
	exit 0
}
