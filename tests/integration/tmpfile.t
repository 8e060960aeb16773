#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/integration/tmpfile.t - O_TMPFILE in served trees: files without a name, and their first name
. "$(dirname "$0")/../lib/tap.sh"

cat > "$SCRATCH/policy.json" <<'END'
{ "version": 1, "name": "nameless",
  "files": [
    { "id": "noread", "path": "*.secret", "ops": "read", "decision": "deny" },
    { "id": "nowrite", "path": "*.fixed", "ops": "write", "decision": "deny" },
    { "id": "nocreate", "path": "*.never", "ops": "create", "decision": "deny" },
    { "id": "nolink", "path": "*.single", "ops": "link", "decision": "deny" },
    { "id": "shut", "path": "${WORKSPACE}/shut/**", "ops": "create", "decision": "deny" },
    { "id": "quiet", "path": "${WORKSPACE}/quiet/**", "ops": "write", "decision": "deny" },
    { "id": "ws", "path": ["${WORKSPACE}", "${WORKSPACE}/**"], "ops": "all", "decision": "allow" },
    { "id": "system", "path": ["/", "/**"], "ops": ["list", "stat", "read", "exec"], "decision": "allow" }
  ],
  "defaults": { "files": "deny", "commands": "allow", "network": "deny", "sockets": "deny" } }
END
chmod 644 "$SCRATCH/policy.json"
as_user mkdir "$SCRATCH/ws/shut" "$SCRATCH/ws/quiet" "$SCRATCH/ws/d"

cat > "$SCRATCH/ws/inside.py" <<'END'
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)


def expect(name, want, fn):
    try:
        got = fn()
    except OSError as e:
        got = errno.errorcode.get(e.errno, e.errno)
    print(name if got == want else f"{name}: {got!r}, not {want!r}", "ok" if got == want else "bad", sep="\t", flush=True)


def nameless(where=".", how=os.O_RDWR, text=b"text"):
    fd = os.open(where, os.O_TMPFILE | how, 0o640)
    os.write(fd, text)
    return fd


def link(fd, name):
    if libc.linkat(-100, b"/proc/self/fd/%d" % fd, -100, name.encode(), 0x400):
        raise OSError(ctypes.get_errno(), name)
    return open(name).read()


def kept():
    fd = nameless()
    st = os.fstat(fd)
    return st.st_nlink, st.st_mode & 0o777, os.pread(fd, 9, 0), os.ftruncate(fd, 2), os.fstat(fd).st_size


def after():
    fd = nameless("d")
    link(fd, "d/named")
    os.write(fd, b", more")
    link(fd, "second")
    a, b = os.stat("d/named"), os.stat("second")
    return os.fstat(fd).st_nlink, a.st_ino == b.st_ino == os.fstat(fd).st_ino, open("d/named").read()


expect("a file without a name", (0, 0o640, b"text", None, 2), kept)
expect("listed nowhere", [], lambda: (nameless("d"), os.listdir("d"))[1])
expect("gets a name", "text", lambda: link(nameless(), "first"))
expect("is written on, gets another", (2, True, "text, more"), after)
expect("is not put over what is there", "EEXIST", lambda: link(nameless(), "first"))
expect("only for writing", "EINVAL", lambda: os.open(".", os.O_TMPFILE | os.O_RDONLY))
expect("with O_EXCL it has no name ever", "ENOENT", lambda: link(nameless(how=os.O_RDWR | os.O_EXCL), "exclusive"))
expect("where nothing may be created", "EACCES", lambda: nameless("shut"))
expect("where nothing may be written", "EACCES", lambda: nameless("quiet"))
expect("a name that may not be created", "EACCES", lambda: link(nameless(), "x.never"))
expect("a name that may not be linked", "EACCES", lambda: link(nameless(), "x.single"))
expect("a name that may not be written", "EACCES", lambda: link(nameless(), "x.fixed"))
expect("a name that may not be read gets it, and is not read", "EACCES", lambda: link(nameless(), "x.secret"))
expect("into a folder where nothing may be created", "EACCES", lambda: link(nameless(), "shut/x"))
expect("hundreds of them", 300, lambda: len([nameless() for _ in range(300)]))
END
(cd "$SCRATCH/ws" && as_user "$AGENTSH" --quiet --policy "$SCRATCH/policy.json" --workspace "$SCRATCH/ws" -- python3 inside.py) \
	> "$SCRATCH/result" 2> "$SCRATCH/words"
while IFS='	' read -r desc result; do
	case $result in
	ok) tap_result 0 "$desc" ;;
	*) tap_result 1 "$desc" ;;
	esac
done < "$SCRATCH/result"
grep -v '^agentsh: denied' "$SCRATCH/words" | sed 's/^/# /'
is "$(wc -l < "$SCRATCH/result")" 15 "all of that was tried"
is "$(cd "$SCRATCH/ws" && echo *)" "d first inside.py quiet second shut x.secret" "what has a name outside, and no other"
is "$(cat "$SCRATCH/ws/first" "$SCRATCH/ws/second")" "texttext, more" "with its content"
log=$(as_user "$AGENTSH" log --json 2>&1)
like "$log" '"op":"create".*/ws/first"' "names are in the log"
like "$log" '"op":"create".*/ws/x\.never".*"rule":"nocreate"' "refusals too"
done_testing
