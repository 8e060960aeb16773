#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# bench/peers.sh DIR - install into DIR what the package managers' own registries have of the peers
#
# Asks each registry once: what is there, or could not be had, is not asked for
# again until DIR is removed. Says what could not be had; the bench goes on.
set -u
dir=$1
mkdir -p "$dir" || exit 0

# get NAME COMMAND...: once
get()
{
	name=$1
	shift
	[ -e "$dir/$name.done" ] && return
	if "$@" >"$dir/$name.log" 2>&1; then
		echo yes >"$dir/$name.done"
	else
		echo "# $name cannot be installed: $(grep -v '^ *$' "$dir/$name.log" | tail -n 1)"
		echo no >"$dir/$name.done"
	fi
}

if command -v npm >/dev/null; then
	get npm npm install --no-audit --no-fund --prefix "$dir/npm" @anthropic-ai/sandbox-runtime @openai/codex
fi
if /usr/bin/python3 -m pip --version >/dev/null 2>&1; then
	get py /usr/bin/python3 -m pip -q install --disable-pip-version-check --target "$dir/py" sandlock
elif command -v pip3 >/dev/null; then
	get py pip3 -q install --disable-pip-version-check --target "$dir/py" sandlock
fi
chmod -R a+rX "$dir"
