#!/usr/bin/env bash
# Builds the guest of the tests: Debian's kernel and a busybox initramfs with a login on the screen and on ttyS0.
#
#   build-initramfs.sh OUTPUT [KERNEL_ROOT]
#
# Writes OUTPUT/vmlinuz and OUTPUT/initramfs.cpio.gz. KERNEL_ROOT (default /) is where boot/vmlinuz-* and lib/modules are.
# Log in as root with the password "console".
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
output=${1:?output folder}
root=${2:-/}
root=${root%/}

kernel=$(find "$root/boot" -maxdepth 1 -name 'vmlinuz-*-amd64' | sort -V | tail -n 1)
[ -n "$kernel" ] || { echo "no boot/vmlinuz-*-amd64 under ${root:-/}" >&2; exit 1; }
version=${kernel##*/vmlinuz-}
# Debian 12's packages have them in /lib, Debian 13's in /usr/lib; on a running system they are the same place.
mouse=$(find "$root/lib/modules/$version/" "$root/usr/lib/modules/$version/" -name 'psmouse.ko*' 2> /dev/null | head -n 1 || true)
[ -n "$mouse" ] || { echo "no psmouse.ko for $version" >&2; exit 1; }
busybox=$(command -v busybox) || { echo "busybox is missing (package busybox-static)" >&2; exit 1; }

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cp -r "$here/root/." "$tree/"
mkdir -p "$tree"/{bin,dev,proc,sys,root,lib,etc}
chmod 755 "$tree/init" "$tree/bin/witness"
cp "$busybox" "$tree/bin/busybox"
ln -s busybox "$tree/bin/sh"
case $mouse in
    *.xz) xz -dc "$mouse" > "$tree/lib/psmouse.ko" ;;
    *.zst) zstd -dc "$mouse" > "$tree/lib/psmouse.ko" ;;
    *) cp "$mouse" "$tree/lib/psmouse.ko" ;;
esac

mkdir -p "$output"
(cd "$tree" && find . | sort | cpio --quiet --owner 0:0 -H newc -o | gzip -1) > "$output/initramfs.cpio.gz.new"
install -m 644 "$kernel" "$output/vmlinuz"
mv "$output/initramfs.cpio.gz.new" "$output/initramfs.cpio.gz"
