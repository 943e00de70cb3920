#!/usr/bin/env bash
# The life of the package on a machine that is thrown away: a copy of this one, in which only what it writes is its own.
#
#   package.sh FIRST.deb SECOND.deb NODE-ADDRESS FINGERPRINT
#
# Says each step on standard output and waits for a line before the next; the gateway's log is standard error.
set -euo pipefail
if [ "${1-}" != --inside ]; then
    exec unshare --mount --propagation private "$0" --inside "$@"
fi
first=$2 second=$3 node=$4 pin=$5

mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
mount --rbind /dev /mnt/root/dev
mount -t proc proc /mnt/root/proc
# Where they are may be another file system than /.
mkdir -p /mnt/root/mnt/packages
cp "$first" /mnt/root/mnt/packages/first.deb
cp "$second" /mnt/root/mnt/packages/second.deb
inside() { chroot /mnt/root "$@"; }
# Quick, for a machine that nobody keeps: nothing is flushed to disk, no manual is indexed.
package() { inside dpkg --force-unsafe-io --no-triggers "$@" > /dev/null; }
config=/etc/consolegate/consolegate.toml
gateway=

step() { echo "step $*"; read -r answer; }

# As the unit does: its user, its command line.
start() {
    local command
    command=$(sed -n 's/^ExecStart=//p' /mnt/root/usr/lib/systemd/system/consolegate.service)
    # shellcheck disable=SC2086
    chroot /mnt/root setpriv --reuid consolegate --regid consolegate --clear-groups $command &
    gateway=$!
}
stop() {
    kill "$gateway"
    wait "$gateway" || { echo "the gateway that was asked to stop left with $?" >&2; exit 1; }
    gateway=
}
trap '[ -z "$gateway" ] || kill -KILL "$gateway" 2> /dev/null || true' EXIT

# A copy of a machine on which it was installed is none.
! inside dpkg-query -W consolegate > /dev/null 2>&1 || package --purge consolegate
package --install /mnt/packages/first.deb
inside stat -c '%n %a %U %G' /etc/consolegate /var/log/consolegate /usr/bin/consolegate
inside consolegate init --non-interactive --public-url http://console.test --panel panel --panel-origin http://panel.localhost \
    --cluster eu1 --node-name pve1 --node-address "$node" --fingerprint "$pin" --listen 127.0.0.1:0 > /dev/null
cat >> /mnt/root$config <<'MORE'
[admin]
address = "127.0.0.1:0"
[audit]
file = "/var/log/consolegate/audit.log"
[log]
format = "json"
[drain]
lame_duck = 1
deadline = 1
spread = 1
MORE
inside stat -c '%n %a %U %G' /etc/consolegate/panel.key
step "secret"
printf '%s\n' "$answer" > /mnt/root/etc/consolegate/pve.secret
start
step "first $(inside consolegate --version) $(cat /mnt/root/etc/consolegate/panel.key)"
stop
before=$(sha256sum < /mnt/root$config)
package --install /mnt/packages/second.deb
[ "$before" = "$(sha256sum < /mnt/root$config)" ] || { echo "the upgrade changed the configuration" >&2; exit 1; }
start
step "second $(inside dpkg-query -W -f '${Version}' consolegate)"
stop
package --purge consolegate 2> /dev/null
echo "left:"
# Records of dpkg and of users are not the package's; nor are the caches that everything may touch.
cd /mnt/upper
find . -type f ! -path './var/lib/dpkg/*' ! -path './var/log/*.log' ! -path './var/cache/*' ! -path './mnt/*' \
    ! -path './etc/passwd*' ! -path './etc/group*' ! -path './etc/shadow*' ! -path './etc/gshadow*' ! -path './etc/sub?id*' \
    ! -path './etc/.pwd.lock' ! -path './tmp/*'
find . -path '*consolegate*' ! -path './mnt/*' ! -type c
grep -h consolegate etc/passwd etc/group || [ $? = 1 ]
echo "end"
