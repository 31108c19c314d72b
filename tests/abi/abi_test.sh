#!/bin/bash
# Compare protocol/ with the public headers: libxen-dev's, and the kernel's for dom0's devices.
#
# abi_list.py reads our headers and writes one C program that prints the size of every structure,
# the offset and size of every field, and the value and type of every constant they define. It is
# compiled twice, against ours and against theirs, and the outputs must be equal. As the list comes
# from our headers, nothing we define can be missing from it; what theirs do not have stands in
# ours_only.txt, each with its reason. Then the test is tested: seeded faults must be found.
#
# Prints one line per mismatch. Exit status 0: no mismatch.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
CC=${CC:-gcc}

# compare ROOT: print the mismatches of ROOT/protocol; fail if there are any.
compare()
{
	python3 "$here/abi_list.py" "$1" "$here" > "$work/list.c" || return 1
	"$CC" -std=gnu11 -w -DOURS -I"$1" -o "$work/ours" "$work/list.c" 2> "$work/errors" ||
		{ grep error: "$work/errors"; return 1; }
	"$CC" -std=gnu11 -w -D__XEN_TOOLS__ -I"$here/shim" -o "$work/theirs" "$work/list.c" \
		2> "$work/errors" || { sed -n 's/^.*error: /not in the public headers: /p' \
		"$work/errors"; return 1; }
	"$work/ours" > "$work/ours.txt" && "$work/theirs" > "$work/theirs.txt" || return 1
	diff "$work/ours.txt" "$work/theirs.txt" | sed -n 's/^< /ours:   /p; s/^> /theirs: /p'
	cmp -s "$work/ours.txt" "$work/theirs.txt"
}

compare "$root" || exit 1
lines=$(wc -l < "$work/ours.txt")

# Seeded faults: FILE and a sed expression that breaks it. Each must be found.
missed=0
while read -r file edit; do
	rm -rf "$work/tree"; mkdir "$work/tree"; cp -r "$root/protocol" "$work/tree/"
	sed -i "$edit" "$work/tree/protocol/$file"
	cmp -s "$root/protocol/$file" "$work/tree/protocol/$file" &&
		{ echo "seed without effect: $file $edit"; missed=1; }
	compare "$work/tree" > /dev/null && { echo "seeded fault not found: $file $edit"; missed=1; }
done <<'SEEDS'
xen.h s/evtchn_mask\[64\]/evtchn_mask[65]/
xen.h s/\(define DOMID_IO\t*\)0x7FF1u/\10x7FF2u/
grant_table.h s/uint16_t offset;/uint32_t offset;/
event_channel.h s/EVTCHNOP_unmask/EVTCHNOP_unmasked/
domctl.h s/int32_t max_grant_frames/uint32_t max_maptrack;\n\tint32_t max_grant_frames/
io/xs_wire.h s/XENSTORE_PAYLOAD_MAX\t\t4096/XENSTORE_PAYLOAD_MAX 4095/
dom0/privcmd.h s/0x00305000ul/0x00285000ul/
SEEDS
echo "$lines sizes, offsets and constants compared"
exit $missed
