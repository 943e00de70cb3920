#!/usr/bin/env bash
# Builds the guest of the tests: Debian's kernel and a busybox initramfs with a login on the screen and on ttyS0.
#
#   build-initramfs.sh OUTPUT [KERNEL_ROOT]
#
# Writes OUTPUT/vmlinux and OUTPUT/initramfs.cpio.gz. KERNEL_ROOT (default /) is where boot/vmlinuz-* and lib/modules are.
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

# The kernel without its wrapper: unpacking itself takes an emulated processor longer than all the rest of the boot.
# Where the payload is: https://www.kernel.org/doc/html/latest/arch/x86/boot.html (setup_sects, payload_offset, payload_length).
number() { od -An -t "u$2" -j "$1" -N "$2" "$kernel" | tr -d ' '; }
start=$((($(number 497 1) + 1) * 512 + $(number 584 4)))
payload() { tail -c "+$((start + 1))" "$kernel" | head -c "$(number 588 4)"; }
case $(payload | head -c 2 | od -An -t x1 | tr -d ' \n') in
    fd37) unpack="xz -dc --single-stream" ;;
    28b5) unpack="zstd -dc" ;;
    1f8b) unpack="gzip -dc" ;;
    *) echo "$kernel is packed in an unknown way" >&2; exit 1 ;;
esac

mkdir -p "$output"
# The payload has its unpacked length behind it, which some unpackers report as trailing rubbish: the ELF magic is the check.
payload | $unpack > "$output/vmlinux.new" 2> /dev/null || true
[ "$(head -c 4 "$output/vmlinux.new" | tail -c 3)" = ELF ] || { echo "$kernel does not unpack" >&2; exit 1; }
(cd "$tree" && find . | sort | cpio --quiet --owner 0:0 -H newc -o | gzip -1) > "$output/initramfs.cpio.gz.new"
mv "$output/vmlinux.new" "$output/vmlinux"
mv "$output/initramfs.cpio.gz.new" "$output/initramfs.cpio.gz"
