#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/lib/long.sh PART... - what "make check" has no time for; a part that fails does not keep the next from running
#
#	rounds	three rounds of make check
#	long	10^5 shots of each race, 100 kills, 1,000 sessions: all with AGENTSH_LONG=1
#	teeth	the attacks with layers switched off
#	kernel	Debian's own kernel, in qemu
#	asan, tsan	make check with a sanitizer
#	fuzz	each fuzzer for FUZZ_SECONDS (600)
set -u
cd "$(dirname "$0")/../.." || exit 1
failed=
part() {
	echo "check-long: $1 begins $(date -u +%H:%M:%S)"
	case $1 in
	rounds) ROUNDS=3 make --no-print-directory check ;;
	long) AGENTSH_LONG=1 make --no-print-directory check ;;
	teeth | kernel) make --no-print-directory "check-$1" ;;
	asan | tsan) make --no-print-directory "$1" ;;
	fuzz) make --no-print-directory fuzz FUZZ_SECONDS="${FUZZ_SECONDS:-600}" ;;
	*)
		echo "check-long: no part \"$1\""
		false
		;;
	esac
}
for p; do
	part "$p" || failed="$failed $p"
done
[ -z "$failed" ] || { echo "check-long: failed:$failed"; exit 1; }
echo "check-long: passed: $*"
