#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/kernel/payload.sh KERNEL IMAGE - an ext4 image of this repository, of what was built, and of the kernel's modules
#
#	AGENTSH, B	the program, and the build directory with the attacks
set -eu
cd "$(dirname "$0")/../.."
kernel=$1
image=$2
work=$image.d
rm -rf "$work" "$image"
mkdir -p "$work/build/release"
cp -r Makefile cage policy common tests "$work/"
rm -rf "$work/tests/fuzz"
install -m 755 "$AGENTSH" "$work/build/agentsh"
cp -r "$B/attack" "$work/build/attack"
for d in "$kernel/lib/modules" "$kernel/usr/lib/modules"; do
	[ ! -d "$d" ] || cp -r "$d" "$work/modules"
done
mkdir -p "$work/lib"
mv "$work/modules" "$work/lib/modules"
depmod -b "$work" "$(basename "$work"/lib/modules/*)"
mke2fs -q -t ext4 -d "$work" -E root_owner=0:0 -O ^has_journal "$image" 600M
rm -rf "$work"
