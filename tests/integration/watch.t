#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/integration/watch.t - inotify inside: what programs outside change is told, what is changed inside is told once
. "$(dirname "$0")/../lib/tap.sh"

cat > "$SCRATCH/policy.json" <<'END'
{ "version": 1, "name": "watched",
  "files": [
    { "id": "hid", "path": "*.hid", "ops": "all", "decision": "deny", "hide": true },
    { "id": "ws", "path": ["${WORKSPACE}", "${WORKSPACE}/**"], "ops": "all", "decision": "allow" },
    { "id": "tmp", "path": ["/tmp", "/tmp/**"], "ops": "all", "decision": "allow" },
    { "id": "system", "path": ["/", "/**"], "ops": ["list", "stat", "read", "exec"], "decision": "allow" }
  ],
  "defaults": { "files": "deny", "commands": "allow", "network": "deny", "sockets": "deny" } }
END
chmod 644 "$SCRATCH/policy.json"

caged() {
	(cd "$SCRATCH/ws" && as_user "$AGENTSH" --quiet --policy "$SCRATCH/policy.json" --workspace "$SCRATCH/ws" -- "$@")
}

# outside CMD: as the user, in the workspace, then long enough for the event to arrive
outside() {
	as_user sh -c "cd '$SCRATCH/ws' && $1"
	sleep 0.3
}

cat > "$SCRATCH/ws/inotify.py" <<'END'
import ctypes, os, select, struct
libc = ctypes.CDLL(None, use_errno=True)
NAMES = {0x2: "MODIFY", 0x4: "ATTRIB", 0x8: "CLOSE_WRITE", 0x40: "MOVED_FROM", 0x80: "MOVED_TO", 0x100: "CREATE",
         0x200: "DELETE", 0x400: "DELETE_SELF", 0x800: "MOVE_SELF", 0x8000: "IGNORED", 0x40000000: "DIR"}
fd = libc.inotify_init1(os.O_NONBLOCK)


def watch(path):
    wd = libc.inotify_add_watch(fd, path.encode(), 0xfce)
    if wd < 0:
        raise OSError(ctypes.get_errno(), path)
    return wd


def events(seconds):
    while select.select([fd], [], [], seconds)[0]:
        b = os.read(fd, 65536)
        i = 0
        while i < len(b):
            wd, mask, _, n = struct.unpack_from("iIII", b, i)
            name = b[i + 16:i + 16 + n].rstrip(b"\0").decode()
            yield wd, "+".join(v for k, v in NAMES.items() if mask & k), name
            i += 16 + n
END

# ---- changes from outside ----
cat > "$SCRATCH/ws/outside.py" <<'END'
import os, time
from inotify import events, watch
names = {watch("dir"): "dir", watch("single"): "single", watch("dir/over"): "over", watch("lost"): "lost", watch("/tmp"): "tmp"}
open("/tmp/own", "w").close()
open("ready", "w").close()
seen = ""
end = time.time() + 60
while not os.path.exists("stop") and time.time() < end:
    for wd, what, name in events(0.1):
        content = ""
        if name in ("kept", "saved") and what == "MODIFY":
            content = " " + open("dir/" + name).read().strip().replace("\n", ",")
        print(names[wd], name, what + content, flush=True)
END
as_user sh -ec "cd '$SCRATCH/ws'; mkdir dir dir/old; for f in dir/kept dir/saved dir/gone dir/away dir/secret.hid dir/over lost single; do echo one > \$f; done"
# "single" is watched once: what holds its directory's names is not
caged python3 outside.py > "$SCRATCH/seen" 2>&1 &
n=0
while [ ! -e "$SCRATCH/ws/ready" ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n + 1)); done
outside 'echo two >> dir/kept'
outside 'echo two > dir/.tmp; mv dir/.tmp dir/saved'
outside 'echo new > dir/new'
outside 'rm dir/gone'
outside 'mkdir dir/sub'
outside 'rmdir dir/old'
outside 'mv dir/away dir/there'
outside 'echo two >> dir/secret.hid; rm dir/secret.hid'
outside 'echo two >> single'
outside 'ln -s kept dir/link'
outside 'echo two > other; mv other dir/over'
outside 'rm lost'
# Long after any name was looked up: the kernel has let go of it
sleep 1.2
outside 'rm dir/saved'
outside 'echo three >> dir/kept'
outside ': > stop'
wait
seen=$(cat "$SCRATCH/seen")
like "$seen" '^dir kept MODIFY one,two$' "a file edited in place, and its content is there with the event"
like "$seen" '^dir kept MODIFY one,two,three$' "again"
like "$seen" '^dir saved MODIFY two$' "saved by a rename over it"
like "$seen" '^dir new MODIFY' "a new file"
like "$seen" '^dir gone DELETE$' "a file removed"
like "$seen" '^dir saved DELETE$' "and one the kernel does not know any more"
like "$seen" '^dir sub ATTRIB\+DIR$' "a new directory"
like "$seen" '^dir old DELETE\+DIR$' "a directory removed"
like "$seen" '^dir away DELETE$' "renamed: the old name"
like "$seen" '^dir there MODIFY' "and the new one"
like "$seen" '^dir link ATTRIB' "a symbolic link"
like "$seen" '^single  MODIFY' "a single file"
like "$seen" '^over  .*DELETE_SELF' "a watched file that another took the place of"
like "$seen" '^dir over MODIFY' "and its directory hears of the other"
like "$seen" '^lost  .*DELETE_SELF' "a watched file removed"
unlike "$seen" 'hid' "of what the policy hides nothing is told"
like "$seen" '^tmp own CREATE$' "what is not served tells by itself"
is "$(grep -c '^dir kept MODIFY' "$SCRATCH/seen")" 2 "one change, one event"
is "$(cat "$SCRATCH/ws/dir/kept" "$SCRATCH/ws/single" | tr '\n' ' ')" "one two three one two " "and nothing was changed by telling"
unlike "$(as_user "$AGENTSH" log --json 2>&1)" 'secret\.hid' "nor recorded as an attempt"

# ---- changes from inside: the same events as without us, and not one more ----
cat > "$SCRATCH/ws/inside.py" <<'END'
import os
from inotify import events, watch
os.mkdir("in")
os.chdir("in")
open("known", "w").write("1")
watch(".")
watch("known")


def act(text, fn):
    fn()
    print(text, *(f"{name}:{what}" for _, what, name in events(0.5)), flush=True)


def put(path, how="w"):
    with open(path, how) as f:
        f.write("x")


act("create", lambda: put("f"))
act("append", lambda: put("f", "a"))
act("overwrite", lambda: put("f"))
act("chmod", lambda: os.chmod("f", 0o600))
act("utime", lambda: os.utime("f"))
act("truncate", lambda: os.truncate("f", 0))
act("mkdir", lambda: os.mkdir("d"))
act("symlink", lambda: os.symlink("f", "s"))
act("link", lambda: os.link("f", "h"))
act("rename", lambda: os.rename("f", "g"))
act("rename over", lambda: (put("t"), os.rename("t", "g")))
act("to another folder", lambda: os.rename("g", "d/g"))
act("and back", lambda: os.rename("d/g", "g"))
act("unlink", lambda: os.unlink("g"))
act("rmdir", lambda: os.rmdir("d"))
act("append to the watched", lambda: put("known", "a"))
act("link the watched", lambda: os.link("known", "also"))
act("fallocate", lambda: os.posix_fallocate(os.open("also", os.O_RDWR), 0, 4096))
act("unlink the watched", lambda: os.unlink("known"))
END
as_user mkdir "$SCRATCH/native"
as_user cp "$SCRATCH/ws/inotify.py" "$SCRATCH/ws/inside.py" "$SCRATCH/native"
native=$(cd "$SCRATCH/native" && as_user env PATH=/usr/local/bin:/usr/bin:/bin python3 inside.py 2>&1)
is "$(caged python3 inside.py 2>&1)" "$native" "what is changed inside raises what it raises natively"
like "$native" '^create f:CREATE f:MODIFY f:CLOSE_WRITE' "which is something"
done_testing
