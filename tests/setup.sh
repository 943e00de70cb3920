#!/usr/bin/env bash
# Brings what the build and the tests need beyond cargo, node and npm, and does nothing where it is there already.
#
#   setup.sh build   a C compiler, the packages of the page
#   setup.sh demo    the real guest, where QEMU is installed
#   setup.sh tests   that, the other Debian packages, the tools in .venv, the test guest
#   setup.sh counts  valgrind
#   setup.sh bench   the proxies that the gateway is measured against, installed but never started
#
# Debian's packages are installed as root, or through sudo.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

test_packages=(busybox-static ca-certificates chromium cpio faketime fonts-dejavu-core iproute2 nftables openssl php-cli python3 python3-venv qemu-system-x86 valgrind xz-utils zstd)
# Programs that what is shipped is for; installed, never started.
shipped_for=(caddy fail2ban haproxy logrotate nginx prometheus redis-server systemd)
apt_lists_fresh=no

say() { printf 'setup: %s\n' "$*" >&2; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo > /dev/null; then sudo "$@"
    else say "needs root: $*"; return 1
    fi
}

apt_update() {
    [ "$apt_lists_fresh" = yes ] || as_root apt-get update -q
    apt_lists_fresh=yes
}

# missing PACKAGE...: those that are not installed.
missing() {
    local package
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${Status}' "$package" 2> /dev/null)" = "install ok installed" ] || echo "$package"
    done
}

# debian PACKAGE...: installs those that are missing.
debian() {
    local wanted
    mapfile -t wanted < <(missing "$@")
    [ ${#wanted[@]} = 0 ] && return
    say "installing ${wanted[*]}"
    apt_update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${wanted[@]}"
}

# debian_idle PACKAGE...: installs servers without starting them, now or when the machine starts again.
debian_idle() {
    local wanted policy=/usr/sbin/policy-rc.d ours=no failed=no
    mapfile -t wanted < <(missing "$@")
    [ ${#wanted[@]} = 0 ] && return
    # Debian asks this file before it starts a service; 101 is no.
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root install -m 755 /dev/stdin "$policy"
        ours=yes
    fi
    debian "${wanted[@]}" || failed=yes
    [ "$ours" = no ] || as_root rm -f "$policy"
    [ "$failed" = no ] || return 1
    if command -v systemctl > /dev/null; then as_root systemctl disable --quiet "${wanted[@]}" || true; fi
}

compiler() { command -v cc > /dev/null || debian gcc libc6-dev; }

# node_modules FOLDER: npm ci, once for every change of the lock file.
node_modules() {
    local stamp=$1/node_modules/.consolegate-lock
    cmp -s "$1/package-lock.json" "$stamp" && return
    say "npm ci in $1"
    (cd "$1" && npm ci --no-audit --no-fund)
    cp "$1/package-lock.json" "$stamp"
}

python_tools() {
    local stamp=.venv/.consolegate-requirements
    cmp -s tests/requirements.txt "$stamp" && return
    say "python tools in .venv"
    rm -rf .venv
    python3 -m venv .venv
    .venv/bin/pip install -q --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r tests/requirements.txt
    cp tests/requirements.txt "$stamp"
}

# The guest's kernel: the machine's own Debian kernel if it has one, else the package unpacked (not installed) under target/.
guest_kernel_root() {
    local root package
    for root in / target/guest/kernel; do
        if compgen -G "$root/boot/vmlinuz-*-amd64" > /dev/null && [ -r "$(compgen -G "$root/boot/vmlinuz-*-amd64" | head -n 1)" ]; then
            echo "$root"
            return
        fi
    done
    apt_update >&2
    package=$(apt-cache depends --no-recommends --no-suggests linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1)
    say "fetching the guest's kernel, $package"
    mkdir -p target/guest/download
    (cd target/guest/download && apt-get download -q "$package" >&2)
    dpkg-deb -x target/guest/download/linux-image-*.deb target/guest/kernel
    rm -rf target/guest/download
    echo target/guest/kernel
}

test_guest() {
    local inputs=(tests/guest/build-initramfs.sh tests/guest/root) built=target/guest/initramfs.cpio.gz root
    if [ -e "$built" ] && [ -e target/guest/vmlinuz ] && [ -z "$(find "${inputs[@]}" -newer "$built" -print -quit)" ]; then
        return
    fi
    root=$(guest_kernel_root)
    say "building the test guest"
    tests/guest/build-initramfs.sh target/guest "$root"
}

case ${1:-tests} in
    build)
        compiler
        node_modules web
        ;;
    demo)
        if command -v qemu-system-x86_64 > /dev/null; then
            debian busybox-static cpio xz-utils zstd
            test_guest
        fi
        command -v busybox > /dev/null || debian busybox-static || say "no busybox: the container's shell is simulated"
        ;;
    tests)
        compiler
        debian "${test_packages[@]}"
        debian_idle "${shipped_for[@]}"
        node_modules web
        python_tools
        test_guest
        ;;
    counts)
        compiler
        debian valgrind
        ;;
    bench)
        compiler
        debian_idle nginx haproxy
        ;;
    *)
        sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
        exit 64
        ;;
esac
