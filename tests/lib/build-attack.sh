#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/lib/build-attack.sh SOURCE OUTPUT - as the "Build:" line of the source says
set -eu
src=$1
out=$2
words=$(sed -n 's/^ \*[[:space:]]*Build:[[:space:]]*//p' "$src" | head -1)
cc=gcc
flags=
for w in $words; do
	case $w in
	musl) cc=musl-gcc flags="$flags -static" ;;
	*) flags="$flags $w" ;;
	esac
done
case $flags in
*-m32* | *-mx32*) cc=gcc-12 ;;	# the multilib headers of this compiler; see packaging/deps.list
esac
# shellcheck disable=SC2086 # one word a flag
exec $cc -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -O1 -g -Wall -Wextra -Wno-unused-result -I. \
	-o "$out" "$src" $flags -lpthread
