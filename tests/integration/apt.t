#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/integration/apt.t - "package_manager": apt and dpkg of root, six capabilities, and several users in one cage
. "$(dirname "$0")/../lib/tap.sh"
if [ "$(id -u)" != 0 ]; then
	skip "package managers" "needs root"
	done_testing
fi
for tool in dpkg-deb apt-get setpriv; do
	if ! command -v $tool > /dev/null; then
		skip "package managers" "no $tool here"
		done_testing
	fi
done
probe=agentsh-test-probe
trap 'dpkg --purge --force-all $probe > /dev/null 2>&1; rm -rf "$SCRATCH"' EXIT
chown -R 0:0 "$SCRATCH"

cat > "$SCRATCH/policy.json" <<'END'
{ "version": 1, "name": "packages", "package_manager": true,
  "files": [
    { "id": "passwords", "path": "/etc/{shadow,gshadow,shadow-,gshadow-}", "ops": ["read", "modify"], "decision": "deny" },
    { "id": "ws", "path": ["${WORKSPACE}", "${WORKSPACE}/**"], "ops": "all", "decision": "allow" },
    { "id": "tmp", "path": ["/tmp", "/tmp/**"], "ops": "all", "decision": "allow" },
    { "id": "packages", "path": ["/usr/**", "/etc", "/etc/**", "/var/lib/**", "/var/cache/**", "/var/log/**"], "ops": "all", "decision": "allow" },
    { "id": "system", "path": ["/", "/**"], "ops": ["list", "stat", "read", "exec"], "decision": "allow" }
  ],
  "defaults": { "files": "deny", "commands": "allow", "network": "deny", "sockets": "deny" } }
END
sed 's/"package_manager": true,//' "$SCRATCH/policy.json" > "$SCRATCH/without.json"

# caged POLICY CMD...
caged() {
	(cd "$SCRATCH/ws" && policy=$1 && shift && env -u XDG_CONFIG_HOME -u XDG_RUNTIME_DIR HOME="$SCRATCH/home" \
		XDG_STATE_HOME="$SCRATCH/state" DEBIAN_FRONTEND=noninteractive \
		"$AGENTSH" --quiet --policy "$SCRATCH/$policy.json" --workspace "$SCRATCH/ws" -- "$@" 2>&1)
}
status() {
	# shellcheck disable=SC2016 # dpkg-query's own
	dpkg-query -W -f '${Status}' $probe 2>/dev/null || echo absent
}
# others at work on this machine's packages are waited for
locked() {
	caged "$@" || { [ $? = 2 ] && sleep 10 && caged "$@"; }
}

# ---- a package of one program, one setuid program, a configuration file and scripts ----
p=$SCRATCH/package
mkdir -p "$p/DEBIAN" "$p/usr/share/$probe" "$p/usr/bin" "$p/etc"
cat > "$p/DEBIAN/control" <<END
Package: $probe
Version: 1.0
Architecture: all
Maintainer: Nobody <nobody@example.org>
Description: installed and removed by a test
END
printf '#!/bin/sh\necho probed\n' > "$p/usr/bin/$probe"
cp "$p/usr/bin/$probe" "$p/usr/share/$probe/setuid"
chmod 755 "$p/usr/bin/$probe"
chmod 4755 "$p/usr/share/$probe/setuid"
echo configured > "$p/etc/$probe.conf"
echo "/etc/$probe.conf" > "$p/DEBIAN/conffiles"
cat > "$p/DEBIAN/postinst" <<END
#!/bin/sh
set -e
id -u > /var/lib/$probe
chown daemon:daemon /var/lib/$probe
END
printf '#!/bin/sh\nset -e\nrm -f /var/lib/%s\n' $probe > "$p/DEBIAN/postrm"
chmod 755 "$p/DEBIAN/postinst" "$p/DEBIAN/postrm"
ok "the package is built" dpkg-deb --root-owner-group -b "$p" "$SCRATCH/ws/probe.deb"

# ---- capabilities ----
six=00000000000000db
is "$(caged policy grep -E '^Cap(Prm|Eff|Bnd)' /proc/self/status | cut -f 2 | sort -u)" $six "exactly six capabilities, in the bounding set too"
is "$(caged without grep -E '^Cap' /proc/self/status | cut -f 2 | sort -u)" 0000000000000000 "none without the key"

# ---- dpkg ----
seen=$(locked policy dpkg -i probe.deb)
like "$seen" "^Setting up $probe" "dpkg -i"
is "$(status)" "install ok installed" "which is so outside as well"
is "$($probe)" probed "its program runs"
is "$(stat -c '%a %U' /usr/share/$probe/setuid)" "4755 root" "a setuid program of a package keeps its bit"
is "$(stat -c '%U' /var/lib/$probe; cat /var/lib/$probe)" "daemon
0" "what its script made and gave away"
seen=$(locked policy dpkg -r $probe)
is "$(status)" "deinstall ok config-files" "dpkg -r"
ok "keeps its configuration" test -e /etc/$probe.conf
seen=$(locked policy dpkg -P $probe)
is "$(status)" absent "dpkg -P"
not_ok "removes it" test -e /etc/$probe.conf

# ---- apt: its own unprivileged user, a pty for dpkg, sockets, locks ----
seen=$(caged policy apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=200 ./probe.deb)
is "$(status)" "install ok installed" "apt-get install of a package in the workspace"
[ "$(status)" = "install ok installed" ] || tap_note "$seen"
is "$(caged policy $probe)" probed "its program runs inside, too"
seen=$(caged policy apt-get remove -y --purge -o DPkg::Lock::Timeout=200 $probe)
is "$(status)" absent "apt-get remove --purge"
[ "$(status)" = absent ] || tap_note "$seen"
seen=$(caged without apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=200 ./probe.deb)
is "$(status)" absent "without the key it is refused"
like "$seen" 'setgroups.*not permitted|seteuid.*not permitted|setresuid.*not permitted' "where it would become another user"
dpkg --audit > "$SCRATCH/audit" 2>&1
is "$(grep -c $probe "$SCRATCH/audit")" 0 "and nothing of it is left half done"

# ---- the policy holds against the capabilities ----
seen=$(caged policy sh -c 'cat /etc/shadow; cat /etc/passwd | head -1')
like "$seen" '^root:x:0:0:' "what it may read"
like "$seen" 'shadow: Permission denied' "and what it may not, whatever it could override"
seen=$(caged policy sh -c 'mknod null c 1 3; mount -t tmpfs none /tmp; chroot / true; echo x > /boot/x; echo x > /proc/sysrq-trigger')
is "$(printf '%s\n' "$seen" | grep -cE '(not permitted|denied\.?|Read-only.*|nonexistent)$')" 5 "nor what none of the six is for"

# ---- several users: each as natively ----
cat > "$SCRATCH/users.sh" <<'END'
as() { id=$1; shift; setpriv --reuid="$id" --regid="$id" --clear-groups "$@"; }
umask 022
echo for root > private; chmod 600 private; cat private > seen
mkdir -m 700 shut; echo hidden > shut/f; cat shut/f > seen; stat shut/f > seen
mkdir -m 1777 sticky; echo of root > sticky/mine
mkdir -m 777 open; mkdir -m 2777 group; chgrp 4321 group
as 12345 sh -c 'echo made > open/theirs; : > group/f; mkdir group/d; ln -s x open/link; mkfifo open/fifo'
stat -c '%n %u:%g %a' open/* group/*
as 12345 cat private; as 12345 cat shut/f; as 12345 ls shut; as 12345 stat shut/f
as 12345 rm -f sticky/mine; as 12345 mv sticky/mine sticky/other; as 12345 sh -c 'echo x >> private'
as 12345 chown 0 open/theirs; as 12345 chmod 600 private; as 12345 touch -d 2001-01-01 private
as 12345 chmod 4755 open/theirs; as 54321 sh -c 'echo x >> open/theirs'
chmod 4777 open/theirs; stat -c %a open/theirs
as 54321 sh -c 'echo y >> open/theirs'; stat -c %a open/theirs
chmod 4755 open/theirs; chown 54321 open/theirs; stat -c '%u %a' open/theirs
as 12345 truncate -s 0 open/theirs; cat open/theirs
setpriv --reuid=777 --regid=777 --groups=4321 sh -c 'echo member > group/m; stat -c "%u:%g" group/m; chgrp 4321 group/m; chgrp 4322 group/m'
as 12345 ln private open/stolen
ls open
END
cp "$SCRATCH/users.sh" "$SCRATCH/ws/users.sh"
mkdir "$SCRATCH/native"
native=$(cd "$SCRATCH/native" && sh "$SCRATCH/users.sh" 2>&1)
like "$native" '^open/theirs 12345:12345 644$' "several users work natively"
is "$(caged policy sh users.sh | grep -v '^agentsh: ')" "$native" "and inside in the same way"
is "$(stat -c %u "$SCRATCH/ws/open/theirs" "$SCRATCH/ws/group/f")" "54321
12345" "their files are theirs outside"
done_testing
