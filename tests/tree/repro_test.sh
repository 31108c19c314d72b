#!/bin/bash
# Two builds of the same sources, in two places, are equal byte for byte: hypervisor, programs, images.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${O:-build}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# Another path of another length, with what has been fetched and built from packages at its place, and with dates as
# they are: what is at its place is then not made anew.
mkdir -p "$tmp/another/place"
git ls-files -co --exclude-standard -z | xargs -0 cp --parents -Pp -t "$tmp/another/place"
mkdir "$tmp/another/place/build"
for fetched in third kernels iptables tools apt debian.tar debian.key; do
	ln -s "$(realpath "build/$fetched")" "$tmp/another/place/build/$fetched"
done
cp -p "$out/.config" "$out/.deps" "$tmp/another/place/build/"
# hv.elf and bothy name commits, which that place knows nothing of.
named() { env -u MAKEFLAGS -u MAKELEVEL make -s "print-$1"; }
COMMIT=$(named COMMIT) BOTHY_COMMIT=$(named BOTHY_COMMIT) \
	env -u MAKEFLAGS -u MAKELEVEL -u O make -s -j"$(nproc)" -C "$tmp/another/place" hv bin minnow images >"$tmp/log" 2>&1 ||
	{ tail -n 20 "$tmp/log"; exit 1; }
status=0
for file in hv.elf minnow.elf {dom0,dom0-6.12,guest,guest612,generic,generic612,root,debian}.cpio.gz {dom0,tools,debian}.img \
	$(cd "$out" && ls bin/*); do
	cmp "$out/$file" "$tmp/another/place/build/$file" || status=1
done
exit $status
