#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/integration/root.t - A session of root: what it does as natively, and what of the machine is out of its reach
. "$(dirname "$0")/../lib/tap.sh"
if [ "$(id -u)" != 0 ]; then
	skip "a session of root" "needs root"
	done_testing
fi
CC=${CC:-cc}
chown -R 0:0 "$SCRATCH"
mkdir "$SCRATCH/srv" "$SCRATCH/open"

cat > "$SCRATCH/policy.json" <<'END'
{ "version": 1, "name": "root",
  "files": [
    { "id": "pem", "path": "*.pem", "ops": "read", "decision": "deny" },
    { "id": "ws", "path": ["${WORKSPACE}", "${WORKSPACE}/**"], "ops": "all", "decision": "allow" },
    { "id": "cache", "path": ["~/.cache", "~/.cache/**"], "ops": "all", "decision": "allow" },
    { "id": "open", "path": ["SCRATCH/open", "SCRATCH/open/**"], "ops": "all", "decision": "allow" },
    { "id": "tmp", "path": ["/tmp", "/tmp/**", "/dev/shm", "/dev/shm/**"], "ops": "all", "decision": "allow" },
    { "id": "system", "path": ["/", "/**"], "ops": ["list", "stat", "read", "exec"], "decision": "allow" }
  ],
  "tracing": "allow",
  "defaults": { "files": "deny", "commands": "allow", "network": "deny", "sockets": "deny" } }
END
sed -i "s,SCRATCH,$SCRATCH,g" "$SCRATCH/policy.json"

# caged CMD...: as root, with the home, workspace and policy that $home, $ws and $policy name
home=$SCRATCH/home ws=$SCRATCH/ws policy=$SCRATCH/policy.json
caged() {
	(cd "$ws" && env -u XDG_CONFIG_HOME -u XDG_RUNTIME_DIR HOME="$home" XDG_STATE_HOME="$SCRATCH/state" \
		"$AGENTSH" --quiet --policy "$policy" --workspace "$ws" -- "$@" 2>&1)
}

# ---- the machine: each deed by its errno, "0" if it was done ----
cat > "$SCRATCH/deeds.c" <<'END'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <unistd.h>

static void tell(const char *deed, long r)
{
	printf("%s %s\n", deed, r >= 0 ? "0" : strerrorname_np(errno));
}

static void writing(const char *path)
{
	char deed[128];
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	snprintf(deed, sizeof(deed), "write:%s", path);
	tell(deed, fd);
	if (fd >= 0)
		close(fd);
}

static void node(const char *name, mode_t type, dev_t dev)
{
	char deed[128];

	snprintf(deed, sizeof(deed), "mknod:%s", name);
	tell(deed, mknod(name, type | 0600, dev));
}

int main(int argc, char **argv)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { { ~0u, ~0u, ~0u }, { ~0u, ~0u, ~0u } };
	static const char *const knobs[] = {
		"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/vm/overcommit_memory",
		"/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/proc/self/oom_score_adj",
		"/sys/power/state", "/sys/kernel/uevent_helper", "/dev/null",
	};
	static const char *const devices[] = {
		"/dev/mem", "/dev/kmsg", "/dev/kvm", "/dev/vda", "/dev/sda", "/dev/fuse", "/dev/loop-control", "/dev/zero",
	};
	int holder = atoi(argv[1]), dir;
	char path[64];

	for (size_t i = 0; i < sizeof(knobs) / sizeof(knobs[0]); i++)
		writing(knobs[i]);
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		writing(devices[i]);
	node("null-here", S_IFCHR, makedev(1, 3));
	node("/tmp/null-here", S_IFCHR, makedev(1, 3));
	node("/dev/shm/disk", S_IFBLK, makedev(254, 0));
	node("disk-here", S_IFBLK, makedev(254, 0));
	node("fifo-here", S_IFIFO, 0);
	tell("open:device-that-stood", open("stood", O_RDONLY | O_NONBLOCK));
	tell("mount", mount("none", "/tmp", "tmpfs", 0, NULL));
	tell("bind", mount("/", "/tmp", NULL, MS_BIND, NULL));
	tell("remount", mount(NULL, "/usr", NULL, MS_REMOUNT | MS_BIND, NULL));
	tell("umount", umount2("/proc/sys", MNT_DETACH));
	tell("pivot_root", syscall(SYS_pivot_root, "/tmp", "/tmp"));
	tell("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE));
	tell("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
	dir = open("/usr", O_PATH | O_DIRECTORY);
	tell("move_mount", syscall(SYS_move_mount, dir, "", AT_FDCWD, "/tmp", MOVE_MOUNT_F_EMPTY_PATH));
	tell("chroot", chroot("/tmp"));
	tell("unshare-user", unshare(CLONE_NEWUSER));
	tell("unshare-mnt", unshare(CLONE_NEWNS));
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", holder);
	tell("open:ns-outside", open(path, O_RDONLY));
	dir = open("/proc/self/ns/net", O_RDONLY);
	tell("setns", setns(dir, 0));
	tell("kill-outside", kill(holder, SIGKILL));
	tell("kill-self", kill(getpid(), 0));
	tell("ptrace-outside", ptrace(PTRACE_SEIZE, holder, NULL, NULL));
	tell("init_module", syscall(SYS_init_module, "", 0, ""));
	tell("finit_module", syscall(SYS_finit_module, 0, "", 0));
	tell("kexec", syscall(SYS_kexec_load, 0, 0, NULL, 0));
	tell("bpf", syscall(SYS_bpf, 0, NULL, 0));
	tell("open_by_handle_at", syscall(SYS_open_by_handle_at, AT_FDCWD, "12345678123456781234567812345678", O_RDONLY));
	tell("settimeofday", settimeofday(&(struct timeval){ .tv_sec = 1000000000 }, NULL));
	tell("sethostname", sethostname("caged", 5));
	tell("swapon", syscall(SYS_swapon, "/tmp/none", 0));
	tell("reboot", syscall(SYS_reboot, 0xfee1dead, 672274793, 0 /* CAD off */, NULL));
	tell("syslog", syscall(SYS_syslog, 5 /* clear */, NULL, 0));
	tell("setgroups", setgroups(0, NULL));
	tell("setgid", setgid(12345));
	tell("setuid", setuid(12345));
	tell("setuid-own", setuid(0));
	tell("capset", syscall(SYS_capset, &h, d));
	return argc > 2;
}
END
ok "the deeds compile" "$CC" -Wall -o "$SCRATCH/ws/deeds" "$SCRATCH/deeds.c"
mknod "$SCRATCH/ws/stood" c 1 3
sleep 600 &
holder=$!
before=$(cat /proc/sys/kernel/core_pattern; hostname; wc -l < /proc/mounts)
seen=$(caged ./deeds "$holder")
for deed in write:/proc/sys/kernel/core_pattern write:/proc/sys/kernel/modprobe write:/proc/sys/vm/overcommit_memory \
	write:/proc/sys/kernel/hostname write:/proc/sysrq-trigger write:/sys/power/state write:/sys/kernel/uevent_helper \
	write:/dev/mem write:/dev/kmsg write:/dev/kvm write:/dev/vda write:/dev/sda write:/dev/fuse write:/dev/loop-control \
	mknod:null-here mknod:/tmp/null-here mknod:/dev/shm/disk mknod:disk-here open:device-that-stood \
	mount bind remount umount pivot_root open_tree fsopen move_mount chroot unshare-user unshare-mnt \
	open:ns-outside setns kill-outside ptrace-outside init_module finit_module kexec bpf open_by_handle_at \
	settimeofday sethostname swapon reboot syslog setgroups setgid setuid capset; do
	like "$seen" "^$deed E[A-Z]+$" "refused: $deed"
done
for deed in write:/proc/self/oom_score_adj write:/dev/null write:/dev/zero mknod:fifo-here kill-self setuid-own; do
	like "$seen" "^$deed 0$" "allowed: $deed"
done
is "$(cat /proc/sys/kernel/core_pattern; hostname; wc -l < /proc/mounts)" "$before" "and nothing of the machine has changed"
ok "the process outside lives" kill -0 "$holder"
kill "$holder"
is "$(caged sh -c 'grep -c "^Cap.*:.0000000000000000$" /proc/self/status')" 5 "it has no capability"

# ---- files of others, in the workspace and in the home: as natively ----
cd "$SCRATCH/ws" || exit 1
cat > work.sh <<'END'
cat private && echo more >> private && echo appended
mkdir theirs/sub && echo new > theirs/sub/f && rm theirs/f && ls theirs
chown 12345:23456 mine && stat -c '%u:%g' mine && chown 0:0 mine
chmod 640 private && touch private && stat -c '%a %U' private
mv private theirs/ && ln theirs/private link && stat -c %h link
truncate -s 2 theirs/private && wc -c < theirs/private
cp -p link copy && stat -c '%a %U' copy
mkdir -m 1777 theirs/sticky && : > theirs/sticky/f && chown -R 12345 theirs/sticky && rm theirs/sticky/f && rmdir theirs/sticky && echo unstuck
mkdir shared && chgrp 12345 shared && chmod 2775 shared && : > shared/f && stat -c '%a %g' shared shared/f
dd if=/dev/zero of=sparse bs=1 seek=5000 count=1 2>/dev/null && stat -c %s sparse
python3 -c '
import ctypes, os
fd = os.open(".", os.O_TMPFILE | os.O_RDWR)
ctypes.CDLL(None).linkat(-100, b"/proc/self/fd/%d" % fd, -100, b"born", 0x400)
print(os.stat("born").st_uid)'
END
prepare() {
	rm -rf "$1"
	mkdir -p "$1/theirs"
	cp work.sh "$1"
	(cd "$1" && echo text > private && echo text > theirs/f && echo text > mine && chmod 600 private &&
		chmod 700 theirs && chown -R "$TEST_USER:" private theirs)
}
prepare "$SCRATCH/native"
native=$(cd "$SCRATCH/native" && sh work.sh 2>&1)
like "$native" '^appended$' "the work of root on files of others works natively"
work_in() {
	prepare "$1"
	chown "$TEST_USER:" "$1"
	ws=$1
	is "$(caged sh work.sh)" "$native" "$2: the same inside"
	ws=$SCRATCH/ws
}
work_in "$SCRATCH/ws2" "in a workspace of another user"
mkdir "$SCRATCH/small"
if mount -t tmpfs none "$SCRATCH/small"; then
	work_in "$SCRATCH/small/ws" "in a workspace on tmpfs"
	mkdir "$SCRATCH/small/up" "$SCRATCH/small/work" "$SCRATCH/small/low" "$SCRATCH/small/over"
	if mount -t overlay -o "lowerdir=$SCRATCH/small/low,upperdir=$SCRATCH/small/up,workdir=$SCRATCH/small/work" none "$SCRATCH/small/over"; then
		work_in "$SCRATCH/small/over/ws" "in a workspace on overlayfs"
		umount "$SCRATCH/small/over"
	else
		skip "in a workspace on overlayfs" "no overlayfs here"
	fi
	umount "$SCRATCH/small"
else
	skip "in a workspace on tmpfs" "no mount can be made here"
fi
mkdir -p "$SCRATCH/foreign/.cache/deep"
echo kept > "$SCRATCH/foreign/.cache/deep/f"
chmod 600 "$SCRATCH/foreign/.cache/deep/f"
chmod 700 "$SCRATCH/foreign"
chown -R "$TEST_USER:" "$SCRATCH/foreign"
home=$SCRATCH/foreign
is "$(caged sh -c 'cat ~/.cache/deep/f; echo new > ~/.cache/new; stat -c %U ~/.cache/new')" "kept
root" "the home of another user"
# Its log and its policy are root's own: the other could change what lies in his home
state=$(getent passwd 0 | cut -d : -f 6)/.local/state/agentsh
mkdir -p "$SCRATCH/foreign/.config/agentsh"
echo '{ "version": 1, "name": "planted" }' > "$SCRATCH/foreign/.config/agentsh/policy.json"
chown -R "$TEST_USER:" "$SCRATCH/foreign"
seen=$(env -u XDG_CONFIG_HOME -u XDG_STATE_HOME -u XDG_RUNTIME_DIR HOME="$home" "$AGENTSH" --workspace "$ws" true 2>&1)
unlike "$seen" 'policy planted' "the policy of another user is not root's"
not_ok "nor is anything of root's put into his home" test -e "$SCRATCH/foreign/.local"
id=$(printf '%s\n' "$seen" | sed -n 's/.* session \([0-9a-f-]*\) .*/\1/p')
ok "but into root's own" test -d "$state/${id:-none}"
rm -rf "${state:?}/${id:-none}"
home=$SCRATCH/home

# ---- files of others elsewhere: out of reach, whether the tree is served (a name is refused in it) or bound ----
mkdir "$SCRATCH/srv/served" "$SCRATCH/srv/bound" "$SCRATCH/srv/served/shut"
for d in served bound; do
	echo "secret of another" > "$SCRATCH/srv/$d/private"
	chmod 600 "$SCRATCH/srv/$d/private"
	echo "for everybody" > "$SCRATCH/srv/$d/public"
done
echo "secret of another" > "$SCRATCH/srv/served/shut/f"
echo "policy's" > "$SCRATCH/srv/served/x.pem"
chmod 700 "$SCRATCH/srv/served/shut"
chown -R "$TEST_USER:" "$SCRATCH/srv"
sed "s,\"\*.pem\",\"$SCRATCH/srv/served/*.pem\"," "$SCRATCH/policy.json" > "$SCRATCH/narrow.json"
policy=$SCRATCH/narrow.json
unlike "$(cd "$SCRATCH/ws" && HOME=$home "$AGENTSH" policy plan --policy "$policy" --workspace "$ws")" "read-only +$SCRATCH/srv/served " \
	"one of the two trees is served"
seen=$(caged sh -c "cd $SCRATCH/srv; cat served/public bound/public; cat served/private; cat bound/private; cat served/shut/f
	ls served/shut; echo x >> served/private; chmod 666 served/private; ln served/private $SCRATCH/ws/caught")
is "$(printf '%s\n' "$seen" | grep -c '^for everybody$')" 2 "what others let everybody read can be read"
unlike "$seen" 'secret of another' "what they keep to themselves cannot"
like "$seen" 'served/private: Permission denied' "in a served tree"
like "$seen" 'bound/private: Permission denied' "and in a bound one"
is "$(stat -c %a "$SCRATCH/srv/served/private")" 600 "nor can its mode be changed"
not_ok "nor a link to it be made in the workspace" test -e "$SCRATCH/ws/caught"
policy=$SCRATCH/policy.json

# What the policy lets be written is never bound writable, so that fusefs judges modes there too
echo theirs > "$SCRATCH/open/f"
chmod 600 "$SCRATCH/open/f"
chown "$TEST_USER:" "$SCRATCH/open/f"
is "$(caged sh -c "cat $SCRATCH/open/f; echo x > $SCRATCH/open/g && cat $SCRATCH/open/g; chmod 4755 $SCRATCH/open/g || echo refused" |
	grep -v '^agentsh\|^chmod')" "theirs
x
refused" "a tree that the policy gives whole: others' files as natively, setuid programs not"
seen=$(caged sh -c "ln $SCRATCH/open/f by-link; mv $SCRATCH/open/f by-move && cat by-move && stat -c %U by-move")
like "$seen" 'cross-device' "no link leads from there into the workspace"
is "$(printf '%s\n' "$seen" | tail -2)" "theirs
$TEST_USER" "but it can be moved, as between two file systems"

# ---- setuid programs: whoever runs one outside would be root ----
install -m 4755 /bin/true "$SCRATCH/ws/stood-suid"
cat > "$SCRATCH/ws/suid.py" <<'END'
import errno, os


def act(name, fn):
    try:
        fn()
        print(name, 0, flush=True)
    except OSError as e:
        print(name, errno.errorcode[e.errno], flush=True)


def fd(flags, mode, name):
    os.close(os.open(name, flags, mode))


open("plain", "w").close()
act("chmod", lambda: os.chmod("plain", 0o4755))
act("fchmod", lambda: os.fchmod(os.open("plain", os.O_RDONLY), 0o6755))
act("setgid", lambda: os.chmod("plain", 0o2755))
act("create", lambda: fd(os.O_CREAT | os.O_WRONLY, 0o4755, "made"))
act("tmpfile", lambda: fd(os.O_TMPFILE | os.O_WRONLY, 0o4755, "."))
act("mknod", lambda: os.mknod("node", 0o104755))
act("capability", lambda: os.setxattr("plain", "security.capability", bytes.fromhex("0100000200200000000000000000000000000000")))
act("trusted", lambda: os.setxattr("plain", "trusted.x", b"1"))
act("xattr", lambda: os.setxattr("plain", "user.x", b"1"))
act("mode", lambda: os.chmod("plain", 0o755))
act("sticky", lambda: os.mkdir("sticky", 0o1777))
act("directory", lambda: (os.mkdir("group"), os.chmod("group", 0o2755)))
with open("stood-suid", "r+b") as f:
    f.write(b"#!")
END
chmod 666 "$SCRATCH/ws/stood-suid"
chmod 4755 "$SCRATCH/ws/stood-suid"
seen=$(caged python3 suid.py)
for deed in chmod fchmod setgid create tmpfile mknod capability trusted; do
	like "$seen" "^$deed EPERM$" "no setuid program: $deed"
done
for deed in xattr mode sticky directory; do
	like "$seen" "^$deed 0$" "but: $deed"
done
is "$(find "$SCRATCH/ws" -type f -perm /6000)" "" "none was made, and one that stood has lost its bit with its content"
like "$(HOME=$home XDG_STATE_HOME="$SCRATCH/state" "$AGENTSH" log --json --denied)" '"agentsh-setuid"' "and it is recorded"
# What the caller opened for it is a file of the host's, not of the view
cat > out.py <<'END'
import ctypes, os, sys
libc = ctypes.CDLL(None)
with open("/bin/true", "rb") as f:
    sys.stdout.buffer.write(f.read())
sys.stdout.flush()
did = 0
for mode in 0o4755, 0o2755, 0o6755:
    for act in (lambda: os.fchmod(1, mode), lambda: os.chmod("/proc/self/fd/1", mode), lambda: os.chmod("/dev/stdout", mode),
                lambda: os.chmod("1", mode, dir_fd=os.open("/proc/self/fd", os.O_RDONLY))):
        try:
            act()
            did += 1
        except PermissionError:
            pass
    did += libc.syscall(452, 1, b"", mode, 0x1000) == 0
os.fchmod(1, 0o700)
sys.exit(did)
END
(ws=$SCRATCH/ws && cd "$ws" && HOME=$home XDG_STATE_HOME="$SCRATCH/state" "$AGENTSH" --quiet --policy "$policy" \
	--workspace "$ws" -- python3 out.py > "$SCRATCH/out" 2> "$SCRATCH/err")
is "$?" 0 "no setuid program of what was opened for it, by any way to it"
is "$(stat -c %a "$SCRATCH/out")" 700 "another mode it can have"

# ---- what goes through the mount from outside ----
cat > "$SCRATCH/ws/watch.py" <<'END'
import ctypes, os, select, socket
libc = ctypes.CDLL(None)
fd = libc.inotify_init1(os.O_NONBLOCK)
libc.inotify_add_watch(fd, b"dir", 0xfce)
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("sock")
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"sent", "sock")
s.settimeout(5)
print(s.recv(10).decode(), flush=True)
open("ready", "w").close()
print("told" if select.select([fd], [], [], 20)[0] and b"outside" in os.read(fd, 4096) else "not told")
END
mkdir dir
caged python3 watch.py > "$SCRATCH/seen" &
n=0
while [ ! -e ready ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n + 1)); done
echo x > dir/outside
wait
is "$(cat "$SCRATCH/seen")" "sent
told" "a datagram to a socket in the workspace, and a change made outside"

# ---- root of a container: most of the machine's users have no number there ----
policy=$SCRATCH/policy.json
mkdir "$SCRATCH/contained"
cd "$SCRATCH/contained" || exit 1
mkdir ws home state
echo everybody > ws/foreign
echo owner > ws/shut
chmod 666 ws/foreign
chown -R "$TEST_USER:" .
chown 12345:12345 ws/foreign ws/shut
chmod 755 "$SCRATCH"
cat > script <<'END'
id -u
echo more >> foreign && cat foreign
(echo more >> shut) 2> /dev/null || cat shut
echo mine > made && chmod 600 made && stat -c '%a %u' made
END
contained() {
	setpriv --reuid "$TEST_USER" --regid "$TEST_USER" --init-groups unshare --user --map-root-user "$@" 2>&1
}
if contained true > /dev/null; then
	seen=$(cd ws && contained env -u XDG_CONFIG_HOME -u XDG_RUNTIME_DIR HOME="$SCRATCH/contained/home" \
		XDG_STATE_HOME="$SCRATCH/contained/state" "$AGENTSH" --quiet --policy "$policy" \
		--workspace "$SCRATCH/contained/ws" -- sh ../script)
	is "$(printf '%s\n' "$seen" | grep -v '^agentsh: ')" "0
everybody
more
owner
600 0" "what belongs to nobody of a container: as its modes say"
else
	skip "root of a container" "no user namespaces here"
fi
cd "$SCRATCH/ws" || exit 1

# ---- limits.processes ----
sed 's/"defaults"/"limits": { "processes": 12 }, "defaults"/' "$SCRATCH/policy.json" > "$SCRATCH/limited.json"
policy=$SCRATCH/limited.json
cat > fork.py <<'END'
import os, sys, time
n = 0
try:
    while n < int(sys.argv[1]):
        if os.fork() == 0:
            time.sleep(60)
        n += 1
except BlockingIOError:
    pass
print(n)
END
is "$(caged sh -c 'exec python3 fork.py 11')" 11 "twelve processes may be had"
is "$(caged sh -c 'exec python3 fork.py 100')" 11 "and no more"
is "$(find /sys/fs/cgroup -type d -name 'agentsh-*' 2>/dev/null)" "" "no control group is left"
cd /
done_testing
