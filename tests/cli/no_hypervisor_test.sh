#!/bin/bash
# The built program on a plain Linux host, as root and as nobody: what needs no hypervisor works, everything else
# says so in one line, in text and as JSON, and nothing is made anywhere.
cd "$(dirname "$0")/../.." || exit 1
[ ! -e /dev/xen/privcmd ] || { echo "there is a hypervisor here"; exit 1; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"
cp "${O:-build}/bin/bothy" "$dir/bothy" || exit 1
commit=$(head -c 23 "${O:-build}/.bothy-commit") || exit 1
cd "$dir" || exit 1
as=
failed=0
objects=0
mkdir json

fail() {
	echo "bothy $words${as:+ (as nobody)}: $1"
	sed 's/^/  out: /' "$dir/out"
	sed 's/^/  err: /' "$dir/err"
	failed=1
}

# Run `bothy ARGUMENT...`; it must exit with $1 and print exactly $2 to standard error.
expect() {
	local code=$1 lines=$2 got
	shift 2
	words=$*
	$as ./bothy "$@" >out 2>err </dev/null
	got=$?
	[ $got = "$code" ] || fail "exit status $got, not $code"
	[ "$(cat err)" = "$lines" ] || fail "expected: $lines"
	[ "$code" = 0 ] || [ ! -s out ] || fail "output beside the error"
}

# The same with --json behind it: nothing on standard error, one object of that exit status.
expect_json() {
	local code=$1 got
	shift
	words="$* --json"
	$as ./bothy "$@" --json >out 2>err </dev/null
	got=$?
	[ $got = "$code" ] || fail "exit status $got, not $code"
	[ ! -s err ] || fail "text beside the object"
	objects=$((objects + 1))
	cp out "json/$code.$objects"
}

check_objects() {
	python3 -c 'import json, os
for name in os.listdir("json"):
    o = json.loads(open("json/" + name, "rb").read().decode("utf-8", "strict"))
    code = int(name.split(".")[0])
    if code:
        assert set(o) == {"schema", "verb", "exit", "where", "what", "hint"}, o
        assert o["schema"] == "bothy.error/1" and o["exit"] == code and o["what"], o' || failed=1
}

no_host='no hypervisor here (/dev/xen/privcmd: No such file or directory)
  hint: run in dom0 under Bothy, with the module xen-privcmd loaded'

all() {
	for call in "block-attach g phy:/dev/x,xvdb,w" "block-detach g xvdb" "block-list g" "console g" "destroy g" dmesg info "info free_memory" list "list -l" "list g" "network-list g" "pause g" "reboot g" \
		"shutdown g" "shutdown -a" "shutdown --host" "unpause g" vcpu-list "create good.cfg" "domid g" \
		"domname g" "mem-max g 64" "mem-set g 64" "rename g h" sched-credit "sched-credit -s" \
		"sched-credit -d g" "sysrq g s" "trigger g nmi" uptime "uptime -s g" "vcpu-pin g all 0" \
		"vcpu-set g 1"; do
		[ "$call" = "list -l" ] || expect 5 "bothy: ${call%% *}: $no_host" $call
		[ "$call" = "console g" ] || expect_json 5 $call
	done
	for verb in block-attach block-detach block-list console create destroy dmesg domid domname help info list mem-max mem-set network-list pause \
		reboot rename sched-credit shutdown sysrq trigger unpause uptime vcpu-list vcpu-pin vcpu-set version; do
		expect 0 "" help $verb
		expect 0 "" $verb --help
		expect_json 0 help $verb
	done
	expect 0 ""
	expect 0 "" help
	for call in version --version; do
		expect 0 "" $call
		[ "$(cat out)" = "bothy $commit" ] || fail "not that of $commit"
		expect_json 0 $call
	done
	expect 0 "" create -n good.cfg
	expect_json 0 create -n good.cfg
	expect 3 "bothy: create: bad.cfg:2: memory: expected a number, got \"x\"
  hint: in MiB, such as memory = 256" create bad.cfg
	expect_json 3 create -n bad.cfg
	expect 3 "bothy: create: .: Is a directory" create .
	expect_json 3 create $'\xff\x01"\\\n.cfg'
	expect 2 'bothy: unknown verb "crate"
  hint: did you mean "create"? see: bothy help' crate
	expect_json 2 $'\xf0\x9f\xff'
	expect_json 2 list --$'\xc3'
	expect_json 2 pause
	expect_json 2 console g
	expect_json 2 create -c good.cfg
}

printf 'name = "g"\nkernel = "/bin/sh"\n' >good.cfg
printf 'name = "g"\nmemory = "x"\n' >bad.cfg
printf 'name = "g"\n' >secret.cfg
chmod 600 secret.cfg
there() { ls -d /run/bothy /var/cache/bothy /bothy ./* 2>/dev/null; }
touch out err
before=$(there)
all
words="create -n good.cfg >/dev/full"
./bothy create -n good.cfg >/dev/full 2>err
[ $? = 1 ] && [ "$(cat err)" = "bothy: create: standard output cannot be written" ] || fail "exit status or line"
if [ "$(id -u)" = 0 ]; then
	chmod 666 out err
	as="setpriv --reuid=65534 --regid=65534 --clear-groups"
	all
	expect 3 "bothy: create: secret.cfg: Permission denied" create secret.cfg
fi
check_objects
[ "$(there)" = "$before" ] || { echo "left behind:"; there; failed=1; }
exit $failed
