#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/lib/need.sh GROUP - before a build: install what is missing, or say what it is
set -eu
group=$1
command -v dpkg-query >/dev/null || exit 0	# not Debian: the compiler will say what it misses
missing=$(packaging/deps --missing "$group")
[ -n "$missing" ] || exit 0
exec packaging/deps "$group"
