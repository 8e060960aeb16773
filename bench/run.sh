#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# bench/run.sh [ROW...] - native, agentsh and bubblewrap side by side, as an ordinary user
#
#	AGENTSH		the program	(build/agentsh)
#	B		build directory; writes $B/bench.json
#	BENCH_ROUNDS	rounds, interleaved	(5)
set -eu
cd "$(dirname "$0")/.."
export B="${B:-$PWD/build}"
export AGENTSH="${AGENTSH:-$B/agentsh}"
sh tests/lib/setup.sh
exec python3 bench/run.py "$@"
