#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/lib/fuzz.sh SECONDS FUZZER... - each for so long, from the kept inputs
#
# New inputs go to FUZZER.new/; what is worth keeping is moved to tests/fuzz/corpus by hand.
set -eu
seconds=$1
shift
[ $# -gt 0 ] || { echo "no fuzzers in tests/fuzz"; exit 1; }
for f; do
	name=$(basename "$f" _fuzz)
	kept=tests/fuzz/corpus/$name
	mkdir -p "$f.new"
	echo "fuzz: $name, $seconds s"
	[ -d "$kept" ] || { echo "fuzz: $kept is missing"; exit 1; }
	"$f" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
		-artifact_prefix="$f." "$f.new" "$kept" 2>"$f.log" || { tail -40 "$f.log"; exit 1; }
	grep -E 'number_of_executed_units|average_exec' "$f.log" || true
done
echo "fuzz: $# fuzzers, no crash"
