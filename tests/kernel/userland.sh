#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/kernel/userland.sh IMAGE - an ext4 image of an ordinary Debian, made of what is installed here
#
# Essential packages, what PACKAGES names, and what those depend on; kept as long
# as none of their versions changes. Root only: the files keep their owners.
set -eu
image=$1
work=$image.d
PACKAGES='python3 mawk mount passwd login kmod procps iproute2 util-linux acl attr busybox-static git curl strace
	libcjson1 libc6-i386 libc6-x32 ca-certificates'

closure() {
	# shellcheck disable=SC2046,SC2086 # words
	apt-cache depends --recurse --installed --no-recommends --no-suggests --no-conflicts --no-breaks \
		--no-replaces --no-enhances $(dpkg-query -W -f '${Essential} ${Package}\n' | sed -n 's/^yes //p') \
		$PACKAGES | grep '^[a-z0-9]' | sort -u
}

# Names as the packages give them, below the directory that /lib and /bin are links to; what is chosen
# or made on the machine besides: alternatives, the users, the loader's cache, compiled Python
files() {
	# shellcheck disable=SC2086 # words
	dpkg-query -L $names 2>/dev/null | grep -v -e '^/usr/share/\(doc\|man\|locale\|info\|lintian\)/' \
		-e '^/\.$' -e '^[^/]' | sed -E 's,^/(bin|sbin|lib|lib32|lib64|libx32)/,/usr/\1/,'
	find / -maxdepth 1 -type l
	find /usr/bin /usr/sbin -type l -lname '/etc/alternatives/*'
	find /etc/alternatives /etc/ssl /usr/lib/python3* -xdev 2>/dev/null
	for f in passwd group shadow gshadow subuid subgid nsswitch.conf ld.so.cache hosts shells localtime timezone; do
		echo "/etc/$f"
	done
}

names=$(closure)
# shellcheck disable=SC2086 # words
stamp=$( (cat "$0"; dpkg-query -W $names 2>/dev/null; id agentsh-test) | sha256sum)
[ ! -f "$image" ] || [ "$(cat "$image.stamp" 2>/dev/null)" != "$stamp" ] || exit 0

rm -rf "$work" "$image" "$image.stamp"
mkdir -p "$work"
files | sort -u | while read -r f; do
	if [ -e "$f" ] || [ -L "$f" ]; then
		echo ".$f"
	fi
done >"$image.files"
tar -C / -c --no-recursion -T "$image.files" | tar -C "$work" -x -p
for d in proc sys dev run tmp root home srv mnt opt/agentsh usr/local/bin var/tmp var/lib usr/lib/modules; do
	mkdir -p "$work/$d"
done
chmod 1777 "$work/tmp" "$work/var/tmp"
install -d -o agentsh-test -g agentsh-test -m 700 "$work/home/agentsh-test"
echo agentsh >"$work/etc/hostname"
mke2fs -q -t ext4 -d "$work" -E root_owner=0:0 -O ^has_journal "$image" 2G
rm -rf "$work" "$image.files"
echo "$stamp" >"$image.stamp"
