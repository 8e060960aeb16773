#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/lib/setup.sh - as root: the ordinary user of the tests, and /dev/fuse for everybody
#
# Does nothing as anybody else. The tests run as that user; the state of the
# machine is what an ordinary Debian has.
set -eu
[ "$(id -u)" = 0 ] || exit 0
user=agentsh-test
if ! id "$user" >/dev/null 2>&1; then
	useradd --create-home --shell /bin/bash "$user"
fi
if [ -c /dev/fuse ] && [ "$(stat -c %a /dev/fuse)" != 666 ]; then
	echo "# /dev/fuse was $(stat -c %a /dev/fuse), now 666 as udev would have it"
	chmod 666 /dev/fuse
fi
