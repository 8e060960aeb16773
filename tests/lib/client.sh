#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/lib/client.sh PACKAGE PROGRAM - prints the path of a client that npm has, fetched once into a cache
#
# npm knows its registry. An install script may be forbidden by npm's settings: it is run by hand then.
set -eu
package=$1
program=$2
dir=/var/tmp/agentsh-test-cache/client-$program
bin=$dir/node_modules/.bin/$program
command -v npm >/dev/null || { echo "npm is not installed" >&2; exit 1; }
works() { (cd / && env HOME="$dir" timeout 60 "$bin" --version) >/dev/null 2>&1; }
if ! works; then
	mkdir -p "$dir"
	timeout 300 npm install --no-fund --no-audit --prefix "$dir" "$package" >"$dir/npm.log" 2>&1 ||
		{ echo "npm cannot fetch the client" >&2; exit 1; }
	works || (cd "$dir/node_modules/$package" && timeout 300 node install.cjs) >>"$dir/npm.log" 2>&1 || true
	works || { echo "the client does not start" >&2; exit 1; }
fi
chmod -R a+rX "$dir"
echo "$bin"
