#!/usr/bin/env bash
# Makes a Debian package of a binary that is built already.
#
#   build.sh BINARY HANDBOOK OUT [VERSION]
#
# HANDBOOK is what `cargo run --example handbook` wrote. By dpkg-deb alone: a package is a tree of files and four scripts,
# and the tool that reads Cargo.toml for it takes longer to build than the gateway.
set -euo pipefail
binary=$1 handbook=$2 out=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source=$(cd "$here/../.." && pwd)
version=${4:-$(sed -n 's/^version = "\(.*\)"$/\1/p' "$source/Cargo.toml" | head -n 1)}
architecture=$(dpkg --print-architecture)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

# put MODE SOURCE TARGET
put() { install -D -m "$1" "$2" "$tree/$3"; }

put 755 "$binary" usr/bin/consolegate
for unit in "$source"/systemd/consolegate.{service,socket}; do
    [ -e "$unit" ] || continue
    put 644 "$unit" "usr/lib/systemd/system/${unit##*/}"
done
sed -i 's|/usr/local/bin/|/usr/bin/|' "$tree/usr/lib/systemd/system/consolegate.service"
put 644 "$source/systemd/sysusers.conf" usr/lib/sysusers.d/consolegate.conf
put 644 "$source/systemd/tmpfiles.conf" usr/lib/tmpfiles.d/consolegate.conf
put 644 "$source/deploy/logrotate.conf" etc/logrotate.d/consolegate
for page in "$handbook"/man/*.1; do
    gzip -9nc "$page" > "$tree/page.gz"
    put 644 "$tree/page.gz" "usr/share/man/man1/${page##*/}.gz"
done
rm "$tree/page.gz"
put 644 "$handbook/completions/consolegate.bash" usr/share/bash-completion/completions/consolegate
put 644 "$handbook/completions/_consolegate" usr/share/zsh/vendor-completions/_consolegate
put 644 "$handbook/completions/consolegate.fish" usr/share/fish/vendor_completions.d/consolegate.fish
for document in README.md EMBED.md SECURITY.md CHANGELOG.md THIRD-PARTY.md; do
    put 644 "$source/$document" "usr/share/doc/consolegate/$document"
done
for document in "$source"/docs/*.md "$source"/docs/runbooks/*.md; do
    put 644 "$document" "usr/share/doc/consolegate/${document#"$source"/}"
done
while read -r file; do put 644 "$source/$file" "usr/share/doc/consolegate/$file"; done < <(cd "$source" && find deploy -type f)
put 644 "$source/systemd/credentials.conf" usr/share/doc/consolegate/examples/credentials.conf
put 644 "$source/examples/full.toml" usr/share/doc/consolegate/examples/full.toml
put 644 "$source/examples/minimal.toml" usr/share/doc/consolegate/examples/minimal.toml
put 644 "$source/LICENSE" usr/share/doc/consolegate/copyright

for script in postinst prerm postrm; do put 755 "$here/$script" "DEBIAN/$script"; done
printf '/etc/logrotate.d/consolegate\n' > "$tree/DEBIAN/conffiles"
cat > "$tree/DEBIAN/control" <<CONTROL
Package: consolegate
Version: $version
Architecture: $architecture
Maintainer: consolegate <consolegate@localhost>
Section: net
Priority: optional
Depends: libc6 (>= 2.34), libgcc-s1, passwd
Recommends: ca-certificates
Suggests: logrotate, fail2ban
Installed-Size: $(du -sk --exclude=DEBIAN "$tree" | cut -f1)
Description: console gateway for Proxmox VE
 A hosting panel signs a short-lived token; the customer's browser brings it to the gateway, which asks Proxmox for
 a console of exactly that guest and passes the bytes both ways.
CONTROL
find "$tree" -type d -exec chmod 755 {} +
dpkg-deb --root-owner-group --build "$tree" "$out" > /dev/null
