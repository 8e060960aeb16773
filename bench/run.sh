#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# bench/run.sh [ROW...] - native, agentsh and its peers side by side, as an ordinary user
#
#	AGENTSH		the program	(build/agentsh)
#	B		build directory; writes $B/bench.json
#	BENCH_ROUNDS	rounds, interleaved	(5)
#	BENCH_INSTALL	0: only peers that are here already
#	XDG_CACHE_HOME	peers are installed below it
set -eu
cd "$(dirname "$0")/.."
export B="${B:-$PWD/build}"
export AGENTSH="${AGENTSH:-$B/agentsh}"
sh tests/lib/setup.sh
if [ "$(id -u)" = 0 ]; then	# the ordinary user of the bench must be able to read them
	AGENTSH_BENCH_PEERS=/var/cache/agentsh-bench
else
	AGENTSH_BENCH_PEERS=${XDG_CACHE_HOME:-$HOME/.cache}/agentsh-bench
fi
export AGENTSH_BENCH_PEERS
[ "${BENCH_INSTALL:-1}" = 0 ] || sh bench/peers.sh "$AGENTSH_BENCH_PEERS"
exec python3 bench/run.py "$@"
