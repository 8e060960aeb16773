#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/safety/held.t - execs that a tracer inside keeps from ending take nobody else's place for ever
. "$(dirname "$0")/../lib/tap.sh"

gcc -O1 -o "$SCRATCH/ws/held" "$ROOT/tests/safety/held.c" -lpthread
chmod 755 "$SCRATCH/ws/held"

held() {
	as_user "$AGENTSH" --quiet --workspace "$SCRATCH/ws" -- "$SCRATCH/ws/held" "$1" 2>&1
}

out=$(held 30)
like "$out" 'while they hang: ran' "thirty hang, and another program starts"
like "$out" 'when they are gone: ran' "and after them"
out=$(held 230)
like "$out" 'while they hang: Resource temporarily unavailable' "two hundred hang: another program is refused, it does not hang"
like "$out" 'rule too-many-held' "and told why"
like "$out" 'when they are gone: ran' "it starts when they are gone"
done_testing
