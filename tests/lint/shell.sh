#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/lint/shell.sh - shellcheck on every shell script under version control
set -eu
cd "$(dirname "$0")/../.."
list=$(git ls-files --cached --others --exclude-standard 2>/dev/null || find . -name build -prune -o -type f -print)
set --
for f in $list; do
	[ -f "$f" ] || continue
	case $f in
	*.sh) set -- "$@" "$f" ;;
	*) case $(head -c 64 "$f" | head -1 | tr -d '\0') in
		'#!'*/sh | '#!'*/bash | '#!'*'env sh' | '#!'*'env bash') set -- "$@" "$f" ;;
		esac ;;
	esac
done
# 1091: sourced files are checked by themselves. 2016: scripts for the shell inside the cage. 2154: variables of tests/lib/tap.sh
shellcheck -x -e SC1091,SC2016,SC2154 "$@"
