#!/bin/bash
# Debian's xenstore-utils, unmodified, against our xenstored on a Unix socket, without a hypervisor.
# Every client is used as its manual page says; then the daemon is killed and its successor must
# have everything.
set -u
cd "$(dirname "$0")/../.." || exit 1
daemon=${O:-build}/bin/xenstored
control=$(ls /usr/lib/xen-*/bin/xenstore-control | tail -1)
dir=$(mktemp -d) || exit 1
export XENSTORED_PATH=$dir/socket
pid=

fail() { echo "$*" >&2; exit 1; }
cleanup() { [ -z "$pid" ] || kill -9 "$pid" 2>/dev/null; rm -rf "$dir"; }
trap cleanup EXIT

start() {
	"$daemon" --socket "$XENSTORED_PATH" --state "$dir/state" 2>>"$dir/log" &
	pid=$!
	for _ in $(seq 100); do
		xenstore-exists / 2>/dev/null && return
		sleep 0.05
	done
	fail "the daemon does not serve: $(cat "$dir/log")"
}

# expect WANTED COMMAND...: its whole output
expect() {
	local wanted=$1 got
	shift
	got=$("$@" 2>&1) || fail "$* failed: $got"
	[ "$got" = "$wanted" ] || fail "$*: got '$got', wanted '$wanted'"
}
refuse() { ! "$@" >/dev/null 2>&1 || fail "$* should have failed"; }

start

# write, read, exists, list, rm
xenstore-write /a/b/c hello /a/b/d "two words" || fail "write"
expect "hello" xenstore-read /a/b/c
expect "$(printf '/a/b/c: hello\n/a/b/d: two words')" xenstore-read -p /a/b/c /a/b/d
xenstore-write -R /a/raw 'back\x41slash' || fail "write -R"
expect 'back\x41slash' xenstore-read -R /a/raw
xenstore-exists /a/b || fail "exists"
refuse xenstore-exists /nowhere
refuse xenstore-read /nowhere
expect "$(printf 'c\nd')" xenstore-list /a/b
expect "$(printf '/a/b/c\n/a/b/d')" xenstore-list -p /a/b
xenstore-rm /a/b/c || fail "rm"
refuse xenstore-exists /a/b/c
xenstore-write /t/only/this x || fail "write"
xenstore-rm -t /t/only/this || fail "rm -t"
refuse xenstore-exists /t

# chmod, ls
xenstore-write /p/q 1 /p/r 2 || fail "write"
xenstore-chmod -r /p n0 r5 b6 || fail "chmod"
xenstore-ls -fp /p | grep -q '^/p/q = "1" *(n0,r5,b6)$' || fail "ls -fp: $(xenstore-ls -fp /p)"
expect "$(printf 'q = "1"\nr = "2"')" xenstore-ls /p
refuse xenstore-ls /nowhere
refuse xenstore-chmod /nowhere n0

# a directory longer than one message, in one transaction's worth of clients each
args=()
for i in $(seq 1000); do args+=("/big/an-entry-with-a-long-name-$i" "$i"); done
for ((i = 0; i < ${#args[@]}; i += 200)); do xenstore-write "${args[@]:i:200}" || fail "big write"; done
[ "$(xenstore-list /big | wc -l)" = 1000 ] || fail "big list"
xenstore-rm /big || fail "big rm"

# the combined client
expect "1" xenstore read /p/q
expect "$(printf 'q\nr')" xenstore list /p

# watch: the first event comes at once, then one for each change
xenstore-watch -n 3 /w >"$dir/events" &
watcher=$!
for _ in $(seq 100); do [ -s "$dir/events" ] && break; sleep 0.05; done
xenstore-write /w/x 1 && xenstore-rm /w/x || fail "write and rm under a watch"
wait "$watcher" || fail "watch"
expect "$(printf '/w\n/w/x\n/w/x')" cat "$dir/events"

# control
expect "OK" "$control" check
"$control" help | grep -q memreport || fail "control help"
"$control" memreport | grep -q '^domain 0: ' || fail "control memreport"
refuse "$control" no-such-command

# many clients at once; each transaction of xenstore-write holds
for i in $(seq 20); do xenstore-write /many/a "$i" /many/b "$i" & done
wait $(jobs -p | grep -vx "$pid")
[ "$(xenstore-read /many/a)" = "$(xenstore-read /many/b)" ] || fail "half a transaction"

# the successor of a killed daemon, and of one that was asked to end
before=$(xenstore-ls -fp)
kill -9 "$pid"; wait "$pid" 2>/dev/null
start
expect "$before" xenstore-ls -fp
kill "$pid"; wait "$pid" || fail "the daemon did not end well"
start
expect "$before" xenstore-ls -fp
expect "OK" "$control" check
