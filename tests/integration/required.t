#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/integration/required.t - what a cage cannot be without: 125, the step named, nothing started, nothing left
. "$(dirname "$0")/../lib/tap.sh"

# Mounts are counted: in a namespace where nobody else makes any
if [ "$(id -u)" = 0 ] && [ -z "${REQUIRED_ALONE-}" ]; then
	rm -rf "$SCRATCH"
	REQUIRED_ALONE=1 exec unshare -m --propagation private "$0"
fi

LACK=$SCRATCH/lack
cc -D_GNU_SOURCE -O1 -Wall -Wextra -o "$LACK" "$ROOT/tests/lib/lack.c" || exit 1
chmod 755 "$LACK" "$SCRATCH"
MARK=$SCRATCH/ws/ran
# Processes are counted by a program of a name that nobody else uses
PROGRAM=$SCRATCH/agentsh-required
cp "$AGENTSH" "$PROGRAM"
chmod 755 "$PROGRAM"

as() {
	if [ "$who" = root ]; then
		(cd "$SCRATCH/ws" && env -u XDG_RUNTIME_DIR HOME="$SCRATCH/home-root" XDG_STATE_HOME="$SCRATCH/state-root" "$@")
	else
		(cd "$SCRATCH/ws" && as_user "$@")
	fi
}

# Sessions that left something
sessions() {
	as sh -c 'find "$XDG_STATE_HOME" -mindepth 2 -maxdepth 2 -type d 2>/dev/null | wc -l'
}

processes() {
	pgrep -c -f "^$PROGRAM" || :
}

# check DESC STEP LAUNCHER...: LAUNCHER runs what follows it without the thing; STEP is how agentsh names it
check() {
	desc="$who: $1"
	step=$2
	shift 2
	rm -f "$MARK"
	mounts=$(wc -l </proc/self/mountinfo)
	before=$(sessions)
	out=$(as "$@" "$PROGRAM" --quiet --workspace "$SCRATCH/ws" -- touch "$MARK" 2>&1)
	is $? 125 "$desc: 125"
	like "$out" "^agentsh: $step" "$desc: the step is named"
	is "$(printf '%s\n' "$out" | grep -c .)" 1 "$desc: in one line"
	i=0
	while [ "$(processes)" != 0 ] && [ $((i += 1)) -lt 20 ]; do sleep 0.1; done
	is "$([ -e "$MARK" ] && echo ran) $(processes) $(($(wc -l </proc/self/mountinfo) - mounts)) $(($(sessions) - before))" \
		" 0 0 0" \
		"$desc: nothing was started, nothing is left"
}

# doctor_says DESC ROW LAUNCHER...
doctor_says() {
	desc="$who: $1"
	row=$2
	shift 2
	out=$(as "$@" "$PROGRAM" doctor 2>&1)
	is $? 1 "$desc: doctor has no cage"
	like "$out" "^MISSING +$row" "$desc: and says what is missing"
}

lacking() {
	check "no $1" "$2" "$LACK" "$1" --
	[ -z "${3-}" ] || doctor_says "no $1" "$3" "$LACK" "$1" --
}

# In namespaces of one's own, where a line of shell has been at work; then oneself again
inside() {
	script=$1
	shift
	set -- unshare -Urm sh -c "$script; exec unshare -U --map-user=$(as id -u) --map-group=$(as id -g) \"\$@\"" sh
	[ "$who" != root ] || set -- unshare -m sh -c "$script; exec \"\$@\"" sh
	"$check" "$desc_of" "$step_of" "$@"
}

all() {
	# the allowed twin of all that follows
	rm -f "$MARK"
	ok "$who: nothing lacking: it runs" as "$LACK" -- "$PROGRAM" --quiet --workspace "$SCRATCH/ws" -- touch "$MARK"
	ok "$who: and it ran" test -e "$MARK"

	lacking userns "user namespace: this machine or container refuses" "user namespace"
	lacking mntns "mount namespace: " "mount namespace"
	lacking netns "network namespace: " "network namespace"
	lacking ipcns "ipc namespace: " "ipc namespace"
	lacking pidns "pid namespace: "
	lacking seccomp "seccomp: " "seccomp notification"
	lacking notify "seccomp: " "seccomp notification"
	lacking killable "seccomp: .*5\.19" "seccomp notification"
	lacking addfd "seccomp: .*ADDFD" "seccomp notification"
	lacking landlock "Landlock: .*5\.19" "Landlock"
	lacking landlock-off "Landlock: .*lsm=" "Landlock"
	lacking landlock-abi "Landlock: .*too old" "Landlock"
	lacking landlock-self "Landlock: "
	lacking seize "seizing: .*ptrace" "seizing"
	lacking getfd "doorman: " "pidfd_getfd"
	lacking pidfd "init: "
	lacking openat2 "view: " "openat2"
	lacking mount_setattr "view: " "mount_setattr"
	lacking fsopen "view: "
	lacking open_tree "view: "
	lacking move_mount "view: "
	lacking listener "seccomp: another supervisor listens" "seccomp notification"
}

# What is not a call that fails but a place that is not there
places() {
	check=check
	desc_of="no more user namespaces" step_of="user namespace: this machine allows no user namespaces"
	[ "$who" = root ] || check "$desc_of" "$step_of" unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' sh
	for kind in mnt:mount net:network ipc:ipc pid:pid; do
		[ "$who" != root ] || break	# the limit of the whole machine is not ours to lower
		check "no more ${kind#*:} namespaces" "${kind#*:} namespace: " \
			unshare -Ur sh -c "echo 0 >/proc/sys/user/max_${kind%:*}_namespaces; exec \"\$@\"" sh
	done
	desc_of="no /dev/fuse" step_of="/dev/fuse: .*modprobe fuse"
	inside 'mount -t tmpfs none /dev; touch /dev/null; chmod 666 /dev/null'
	desc_of="another device at /dev/fuse" step_of="/dev/fuse: "
	inside 'mount --bind /dev/null /dev/fuse'
	desc_of="a masked /proc" step_of="view: /proc: .*systempaths=unconfined"
	inside 'mount -t tmpfs none /proc/scsi 2>/dev/null || mount -t tmpfs none /proc/bus'
	desc_of="AppArmor's restriction" step_of="user namespace: AppArmor .*profile"
	[ "$who" = root ] || check "$desc_of" "$step_of" unshare -Urm sh -c 'mount -t tmpfs none /proc/sys/kernel
		echo 1 >/proc/sys/kernel/apparmor_restrict_unprivileged_userns; exec "$@"' sh "$LACK" userns --
	desc_of="a distribution's switch" step_of="user namespace: .*unprivileged_userns_clone=1"
	[ "$who" = root ] || check "$desc_of" "$step_of" unshare -Urm sh -c 'mount -t tmpfs none /proc/sys/kernel
		echo 0 >/proc/sys/kernel/unprivileged_userns_clone; exec "$@"' sh "$LACK" userns --
}

who=$TEST_USER
all
places
# A cage in a cage
rm -f "$MARK"
out=$(as "$PROGRAM" --quiet --workspace "$SCRATCH/ws" -- agentsh -- touch "$MARK" 2>&1)
is $? 125 "a cage in a cage: 125"
like "$out" "inside a cage of agentsh already" "a cage in a cage: says so"
not_ok "a cage in a cage: nothing was started" test -e "$MARK"
if [ "$(id -u)" = 0 ]; then
	who=root
	mkdir -p "$SCRATCH/home-root"
	all
	places
fi
done_testing
