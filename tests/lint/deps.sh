#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/lint/deps.sh - includes point down: tests/lint/deps.tsv is the table
set -eu
cd "$(dirname "$0")/../.."
bad=0
table() { grep -v '^#' tests/lint/deps.tsv; }

for dir in $(table | awk -F'\t' '$1 !~ /^</ { print $1 }'); do
	allowed="$dir/ $(table | awk -F'\t' -v d="$dir" '$1 == d { print $2 }')"
	for f in "$dir"/*.c "$dir"/*.h; do
		[ -e "$f" ] || continue
		included=$(sed -n 's/^#[[:space:]]*include "\([^"]*\)".*/\1/p' "$f")
		for inc in $included; do
			good=
			for a in $allowed; do
				case $inc in
				"$a"*) good=1 ;;
				esac
			done
			[ -n "$good" ] || { echo "$f: includes \"$inc\": not allowed in $dir/"; bad=1; }
		done
		own=${f%.c}.h
		first=$(sed -n 's/^#[[:space:]]*include ["<]\([^">]*\)[">].*/\1/p' "$f" | head -1)
		case $f in
		*.c) [ ! -e "$own" ] || [ "$first" = "$own" ] || { echo "$f: \"$own\" is not its first include"; bad=1; } ;;
		esac
	done
done

for inc in $(table | awk -F'\t' '$1 ~ /^</ { print $1 }'); do
	allowed=$(table | awk -F'\t' -v i="$inc" '$1 == i { print $2 }')
	name=$(echo "$inc" | tr -d '<>')
	for f in $(grep -lE "^#[[:space:]]*include [<\"]${name}[>\"]" ./*/*.[ch] || true); do
		f=${f#./}
		good=
		for a in $allowed; do
			case $f in
			tests/* | "$a"*) good=1 ;;
			esac
		done
		[ -n "$good" ] || { echo "$f: $inc belongs to $allowed alone"; bad=1; }
	done
done
exit $bad
