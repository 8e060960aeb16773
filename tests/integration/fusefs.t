#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/integration/fusefs.t - The served trees from inside: each refusal beside what must work, then real programs
. "$(dirname "$0")/../lib/tap.sh"
seconds=2
[ -z "${AGENTSH_LONG-}" ] || seconds=60

cat > "$SCRATCH/policy.json" <<'END'
{ "version": 1, "name": "served",
  "files": [
    { "id": "jail", "path": "${WORKSPACE}/jail/**", "ops": ["read", "write"], "decision": "deny" },
    { "id": "env", "path": ".env", "ops": "read", "decision": "deny" },
    { "id": "all", "path": "*.all", "ops": "all", "decision": "deny" },
    { "id": "hid", "path": "*.hid", "ops": "all", "decision": "deny", "hide": true },
    { "id": "noexec", "path": "noexec/**", "ops": "exec", "decision": "deny" },
    { "id": "ro", "path": "${WORKSPACE}/ro/**", "ops": "modify", "decision": "deny" },
    { "id": "envrc", "path": ".envrc", "ops": "modify", "decision": "deny", "stood": "folder" },
    { "id": "ws", "path": ["${WORKSPACE}", "${WORKSPACE}/**"], "ops": "all", "decision": "allow" },
    { "id": "way", "path": "~/a/b/c/**", "ops": "all", "decision": "allow" },
    { "id": "nothing-else", "path": ["~/**", "~"], "ops": "all", "decision": "default" },
    { "id": "tmp", "path": ["/tmp", "/tmp/**"], "ops": "all", "decision": "allow" },
    { "id": "system", "path": ["/", "/**"], "ops": ["list", "stat", "read", "exec"], "decision": "allow" }
  ],
  "defaults": { "files": "deny", "commands": "allow", "network": "deny", "sockets": "deny" } }
END
chmod 644 "$SCRATCH/policy.json"

caged() {
	(cd "$SCRATCH/ws" && as_user "$AGENTSH" --quiet --policy "$SCRATCH/policy.json" --workspace "$SCRATCH/ws" -- "$@")
}

as_user sh -e <<END
cd "$SCRATCH/ws"
mkdir -p jail/a sub ro/empty withrc noexec ../home/a
for f in jail/a/f plain .env sub/.env ro/f .envrc withrc/.envrc x.all x.hid ../home/other; do echo "text of \$f" > \$f; done
printf '#!/bin/sh\necho ran\n' > run.sh
cp run.sh noexec/run.sh
chmod 755 run.sh noexec/run.sh
END

# ---- one operation a line: "ok" or what was wrong ----
cat > "$SCRATCH/inside.py" <<'END'
import ctypes, errno, os, subprocess, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
E, N = errno.EACCES, errno.ENOENT


def expect(name, want, fn):
    try:
        fn()
        got = 0
    except OSError as e:
        got = e.errno
    good = got == want
    print(name if good else f"{name}: {errno.errorcode.get(got, got)}, not {errno.errorcode.get(want, want)}",
          "ok" if good else "bad", sep="\t", flush=True)


def put(path, text="x"):
    with open(path, "w") as f:
        f.write(text)


def get(path):
    with open(path) as f:
        return f.read()


def flags(path, how):
    os.close(os.open(path, how))


def rename2(a, b, how):
    if libc.renameat2(-100, a.encode(), -100, b.encode(), how):
        raise OSError(ctypes.get_errno(), a)


def exchange(a, b):
    rename2(a, b, 2)


def same(got, want):
    if got != want:
        raise OSError(errno.EINVAL, f"{got!r}")


# reading, writing, executing
expect("read what is allowed", 0, lambda: get("plain"))
expect("read what a rule denies", E, lambda: get("jail/a/f"))
expect("which can be looked at", 0, lambda: os.stat("jail/a/f"))
expect("truncate it", E, lambda: os.truncate("jail/a/f", 0))
expect("open it O_RDONLY|O_TRUNC", E, lambda: flags("jail/a/f", os.O_RDONLY | os.O_TRUNC))
expect("O_RDONLY|O_TRUNC elsewhere", 0, lambda: (put("t"), flags("t", os.O_RDONLY | os.O_TRUNC), same(os.stat("t").st_size, 0)))
expect("create to write in it", E, lambda: put("jail/new"))
expect("create empty in it", 0, lambda: flags("jail/new", os.O_CREAT | os.O_RDONLY))
expect("execute", 0, lambda: subprocess.run(["./run.sh"], check=True, stdout=subprocess.DEVNULL))
expect("execute what may only be read", E, lambda: subprocess.run(["noexec/run.sh"]))
expect("which may be read", 0, lambda: get("noexec/run.sh"))
expect("carry it to where it would run", E, lambda: os.rename("noexec/run.sh", "run2.sh"))
expect("through a symbolic link", E, lambda: (os.symlink("jail/a/f", "s"), get("s")))
expect("a symbolic link elsewhere", 0, lambda: (os.symlink("plain", "s2"), same(get("s2"), get("plain")), same(os.readlink("s2"), "plain")))
# names that are refused, hidden, absent
expect("all denied: look", E, lambda: os.stat("x.all"))
expect("all denied: listed", 0, lambda: same("x.all" in os.listdir("."), True))
expect("all denied: create", E, lambda: put("y.all"))
expect("hidden: look", N, lambda: os.stat("x.hid"))
expect("hidden: not listed", 0, lambda: same("x.hid" in os.listdir("."), False))
expect("hidden: create", N, lambda: put("y.hid"))
expect("hidden: mkdir", N, lambda: os.mkdir("z.hid"))
expect("hidden: rename to it", N, lambda: (put("v"), os.rename("v", "v.hid")))
H = os.environ["HOME"]
expect("home shows what is named", 0, lambda: same(os.listdir(H), ["a"]))
expect("absent: look", N, lambda: os.stat(H + "/other"))
expect("absent: create", E, lambda: put(H + "/other"))
expect("absent: create what is not there", E, lambda: put(H + "/other2"))
expect("the way to a name can be made", 0, lambda: os.makedirs(H + "/a/b/c/d"))
expect("and used", 0, lambda: (put(H + "/a/b/c/d/f", "way"), same(get(H + "/a/b/c/d/f"), "way")))
expect("nothing beside it: mkdir", E, lambda: os.mkdir(H + "/a/x"))
expect("nothing beside it: create", E, lambda: put(H + "/a/b/x"))
expect("the way cannot be removed", E, lambda: os.rmdir(H + "/a/b"))
expect("nor changed", E, lambda: os.chmod(H + "/a", 0o700))
expect("named things cannot become absent", E, lambda: os.rename(H + "/a/b/c/d", H + "/zz"))
# renames and links do not launder
expect("rename within", 0, lambda: (os.rename("jail/a/f", "jail/a/g"), os.rename("jail/a/g", "jail/a/f")))
expect("rename out", E, lambda: os.rename("jail/a/f", "leak"))
expect("link out", E, lambda: os.link("jail/a/f", "leak"))
expect("link elsewhere", 0, lambda: (os.link("plain", "plain.link"), same(os.stat("plain").st_nlink, 2)))
expect("rename of its directory out", E, lambda: os.rename("jail/a", "leak"))
expect("rename of the top", E, lambda: os.rename("jail", "leak"))
expect("exchange out", E, lambda: exchange("jail/a/f", "plain"))
expect("exchange of directories", E, lambda: exchange("sub", "jail/a"))
expect("onto another name of the same file", 0, lambda: (os.mkdir("o"), put("o/f"), os.link("o/f", "o/.env"), os.rename("o/f", "o/.env"), same(os.listdir("o"), [".env"])))
expect("which is judged by that name", E, lambda: get("o/.env"))
expect("exchange elsewhere", 0, lambda: (put("x1", "1"), put("x2", "2"), exchange("x1", "x2"), same(get("x1"), "2")))
expect("RENAME_NOREPLACE", errno.EEXIST, lambda: rename2("x1", "x2", 1))
expect("write by rename into", E, lambda: os.rename("plain", "jail/p"))
expect("write by link into", E, lambda: os.link("plain", "jail/p"))
expect("a name denied anywhere: rename it", E, lambda: os.rename(".env", "e"))
expect("its directory can move", 0, lambda: (os.mkdir("q"), os.rename("sub", "q/sub")))
expect("and it is what it was", E, lambda: get("q/sub/.env"))
expect("and moves back", 0, lambda: os.rename("q/sub", "sub"))
for name, fn in (("write", lambda: put("ro/f")), ("unlink", lambda: os.unlink("ro/f")), ("create", lambda: put("ro/n")),
                 ("mkdir", lambda: os.mkdir("ro/n")), ("rmdir", lambda: os.rmdir("ro/empty")), ("chmod", lambda: os.chmod("ro/f", 0o777)),
                 ("chown", lambda: os.chown("ro/f", os.getuid(), -1)), ("utimes", lambda: os.utime("ro/f")), ("mknod", lambda: os.mkfifo("ro/n")),
                 ("xattr", lambda: os.setxattr("ro/f", "user.a", b"1")), ("symlink", lambda: os.symlink("f", "ro/n")),
                 ("link to it", lambda: os.link("ro/f", "n")), ("link into it", lambda: os.link("plain", "ro/n")),
                 ("rename from it", lambda: os.rename("ro/f", "n")), ("rename over it", lambda: os.rename("x2", "ro/f")),
                 ("rename of it", lambda: os.rename("ro", "rw"))):
    expect("read-only: " + name, E, fn)
expect("read-only: read", 0, lambda: same(get("ro/f"), "text of ro/f\n"))
expect("elsewhere all of them", 0, lambda: (os.mkdir("m"), put("m/f"), os.chmod("m/f", 0o600), os.utime("m/f", (1, 2)), os.mkfifo("m/p"),
       os.setxattr("m/f", "user.a", b"1"), same(os.getxattr("m/f", "user.a"), b"1"), same(os.listxattr("m/f"), ["user.a"]), os.removexattr("m/f", "user.a"),
       os.chown("m/f", os.getuid(), os.getgid()), os.rename("m", "m2"), same(os.stat("m2/f").st_mtime, 2), os.unlink("m2/f"), os.unlink("m2/p"), os.rmdir("m2")))
# what was born in the session
expect("stood: change", E, lambda: put(".envrc"))
expect("stood: new in an old directory", E, lambda: put("sub/.envrc"))
expect("born: in a new directory, and changed", 0, lambda: (os.mkdir("nd"), put("nd/.envrc"), put("nd/.envrc")))
expect("born: replaced by rename", 0, lambda: (put("nd/.envrc.lock"), os.rename("nd/.envrc.lock", "nd/.envrc"), put("nd/.envrc")))
expect("born: moved over one that stood", E, lambda: os.rename("nd/.envrc", ".envrc"))
expect("stood: moved with its directory", E, lambda: os.rename("withrc", "nd/withrc"))

# a name put beneath a directory while that is moved
stop, leaks, moved = time.time() + float(sys.argv[1]), [], [0, 0]


def mover():
    while time.time() < stop and not leaks:
        try:
            os.makedirs("jail/e/deep", exist_ok=True)
            os.rename("jail/e", "out")
            moved[0] += 1
        except OSError:
            continue
        if os.path.exists("out/deep/f"):
            leaks.append("out/deep/f")
        else:
            os.rmdir("out/deep")
            os.rmdir("out")


def thrower():
    while time.time() < stop and not leaks:
        try:
            os.rename("jail/a/f", "jail/e/deep/f")
            moved[1] += 1
            os.rename("jail/e/deep/f", "jail/a/f")
        except OSError:
            continue


def linker():
    while time.time() < stop and not leaks:
        try:
            os.link("plain", "sub/l")
            os.rename("sub/l", "sub/.env")
            get("sub/.env")
            leaks.append("sub/.env")
        except OSError:
            continue


threads = [threading.Thread(target=t) for t in (mover, thrower, linker)]
for t in threads:
    t.start()
for t in threads:
    t.join()
expect("race: nothing slipped out with a directory", 0, lambda: same(leaks, []))
expect("race: which was run", 0, lambda: same(min(moved) > 0, True))
END
chmod 644 "$SCRATCH/inside.py"
cp "$SCRATCH/inside.py" "$SCRATCH/ws/inside.py"
caged python3 inside.py "$seconds" > "$SCRATCH/result" 2> "$SCRATCH/words"
while IFS='	' read -r desc result; do
	case $result in
	ok) tap_result 0 "$desc" ;;
	*) tap_result 1 "$desc" ;;
	esac
done < "$SCRATCH/result"
grep -v '^agentsh: denied' "$SCRATCH/words" | sed 's/^/# /'
like "$(wc -l < "$SCRATCH/result")" '^[7-9][0-9]$' "all of that was tried"
log=$(as_user "$AGENTSH" log --json 2>&1)
like "$log" '"op":"read".*/ws/jail/a/f.*"rule":"jail"' "refusals are in the log, with their rule"
like "$log" '"op":"write".*/ws/ro/f.*"rule":"ro"' "for writing too"

# ---- a host that changes things ----
caged sh -c 'cat plain > seen; : > ready; n=0; while [ ! -e changed ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done; sleep 1.2; cat plain replaced >> seen' &
n=0
while [ ! -e "$SCRATCH/ws/ready" ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n + 1)); done
echo 'from outside, and longer' >> "$SCRATCH/ws/plain"
echo replaced > "$SCRATCH/ws/replaced.new"
mv "$SCRATCH/ws/replaced.new" "$SCRATCH/ws/replaced"
: > "$SCRATCH/ws/changed"
wait
like "$(tr '\n' ' ' < "$SCRATCH/ws/seen")" 'outside.* replaced' "changes of the host are seen within a moment"

# ---- real programs ----
like "$(caged python3 - 2>&1 <<'END'
import fcntl, mmap, os, sqlite3
c = sqlite3.connect("t.db")
c.execute("pragma journal_mode=wal")
c.execute("create table t(a)")
c.executemany("insert into t values(?)", [(i,) for i in range(1000)])
c.commit()
print(c.execute("select sum(a) from t").fetchone()[0])
f = open("m", "w+b")
f.write(bytes(8192))
f.flush()
fd = os.open("m", os.O_RDWR | os.O_APPEND)
m = mmap.mmap(fd, 8192)
m[100:105] = b"world"
os.write(fd, b"tail")
m.flush()
d = open("m", "rb").read()
print(len(d), d[100:105], d[-4:])
u = os.open("u", os.O_RDWR | os.O_CREAT)
os.unlink("u")
os.write(u, b"abc")
os.ftruncate(u, 2)
os.fchmod(u, 0o600)
print(os.fstat(u).st_size, os.fstat(u).st_nlink, os.pread(u, 9, 0))
s = os.open("sp", os.O_RDWR | os.O_CREAT)
os.ftruncate(s, 1 << 20)
os.pwrite(s, b"x", 500000)
os.posix_fallocate(s, 0, 2 << 20)
g = os.open("cp", os.O_RDWR | os.O_CREAT)
print(os.fstat(s).st_size, os.copy_file_range(s, g, 1 << 20, 0, 0))
fcntl.flock(s, fcntl.LOCK_EX)
try:
    fcntl.flock(os.open("sp", os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("locked")
n = "n" * 255
open(n, "w").write("long")
print(open(n).read())
os.mkdir("deep")
os.chdir("deep")
for i in range(50):
    os.mkdir("d" * 200)
    os.chdir("d" * 200)
open("f", "w").write("deep")
print(open("f").read())
END
)" '^499500.8196 b.world. b.tail.|^499500' "sqlite, shared mappings with O_APPEND, files without a name, holes, locks"
is "$(caged sh -c 'tail -c 4 m; stat -c " %s" cp sp; cat nnn* | tail -c 4; rm -rf deep; ls deep 2>&1 | wc -l' | tr '\n' ' ')" \
	"tail 1048576  2097152 long1 " "and what they left; rm -rf beyond PATH_MAX"
if command -v git > /dev/null; then
	is "$(caged sh -ec 'export GIT_CONFIG_NOSYSTEM=1; git init -q g; cd g; git config user.name a; git config user.email a@localhost
		seq 300 | while read i; do mkdir -p d$((i % 9)); echo $i > d$((i % 9))/f$i; done; git add .; git commit -q -m one
		git worktree add -q ../wt; git clone -q . ../g2; git gc -q; cd ../wt; git rm -rq d1; git commit -q -m two; git status --short; git log --oneline | wc -l; git fsck 2>&1 | grep -v dangling | wc -l' 2>&1 | tr '\n' ' ')" \
		"2 0 " "git: init, commit, worktree, clone, gc"
fi
if command -v make > /dev/null && command -v gcc > /dev/null; then
	is "$(caged sh -ec 'mkdir c; cd c; for i in 1 2 3 4 5 6 7 8; do echo "int f$i(void); int f$i(void) { return $i; }" > m$i.c; done
		echo "int f8(void); int main(void) { return f8(); }" > main.c
		printf "all: prog\nprog: main.o m1.o m2.o m3.o m4.o m5.o m6.o m7.o m8.o\n\tgcc -o \$@ \$^\n" > Makefile; make -s -j4; ./prog || echo $?' 2>&1 | tail -1)" 8 "make -j, and the program runs"
fi
done_testing
