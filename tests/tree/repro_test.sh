#!/bin/bash
# Two builds of the same sources, in two places, are equal byte for byte: hypervisor, programs, images.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${O:-build}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# Another path of another length, with what has been fetched and built from packages at its place.
mkdir -p "$tmp/another/place"
git ls-files -co --exclude-standard -z | xargs -0 cp --parents -P -t "$tmp/another/place"
mkdir "$tmp/another/place/build"
for fetched in third kernels iptables tools apt; do
	ln -s "$(realpath "build/$fetched")" "$tmp/another/place/build/$fetched"
done
cp -p "$out/.config" "$out/.deps" "$tmp/another/place/build/"
env -u MAKEFLAGS -u MAKELEVEL -u O make -s -j"$(nproc)" -C "$tmp/another/place" hv bin images >"$tmp/log" 2>&1 ||
	{ tail -n 20 "$tmp/log"; exit 1; }
status=0
for file in hv.elf {dom0,dom0-6.12,guest,guest612,generic,generic612}.cpio.gz dom0.img tools.img \
	$(cd "$out" && ls bin/*); do
	cmp "$out/$file" "$tmp/another/place/build/$file" || status=1
done
exit $status
