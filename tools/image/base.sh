#!/usr/bin/env bash
# Makes an image named like the one that the Dockerfile starts from, where no image registry can be reached: Debian's
# minimal system with the CPython that runs on this machine. For tests; releases are built on the official image.
#
# Usage: base.sh PYTHON STORAGE
#   PYTHON   a Python 3.13 of this machine, such as python3.13
#   STORAGE  folder for buildah's images
#
# Needs root, buildah and debootstrap. What this machine trusts (certificates, pip's own setting for them) is copied into
# the base, so that the unchanged Dockerfile can install packages through a proxy with certificates of its own.
set -euo pipefail

python=$1 storage=$2
name=docker.io/library/python:3.13-slim
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
buildah=(buildah --root "$storage/images" --runroot "$storage/run")

prefix=$("$python" -c 'import sys; print(sys.base_prefix)')
[ "$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')" = 3.13 ] || { echo "$python is not Python 3.13" >&2; exit 1; }

work=$(mktemp -d "$storage/base.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root

# The libraries are those that CPython's own modules are linked to, as in the official image.
libraries=libbz2-1.0,libexpat1,libffi8,libgdbm6,liblzma5,libncursesw6,libreadline8,libsqlite3-0,libssl3,libuuid1,zlib1g
debootstrap --variant=minbase --include="ca-certificates,netbase,tzdata,$libraries" "$suite" "$root" "$mirror" >"$storage/debootstrap.log" 2>&1 \
    || { tail -n 20 "$storage/debootstrap.log" >&2; exit 1; }
# What the official slim images leave out.
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,info,locale,groff,lintian}/* "$root"/var/log/*

mkdir -p "$root/usr/local/bin" "$root/usr/local/lib"
tar -C "$prefix" -cf - --exclude='__pycache__' --exclude='*.a' --exclude='site-packages/*' --exclude='lib/python3.13/test' \
    --exclude='lib/python3.13/idlelib' --exclude='lib/python3.13/*/test' --exclude='lib/python3.13/*/tests' \
    bin/python3.13 include lib/python3.13 $(cd "$prefix" && ls -d lib/libpython3* 2>/dev/null) | tar -C "$root/usr/local" -xf -
ln -s python3.13 "$root/usr/local/bin/python3"
ln -s python3.13 "$root/usr/local/bin/python"
chroot "$root" ldconfig
chroot "$root" /usr/local/bin/python3 -m ensurepip --upgrade >/dev/null
ln -s pip3 "$root/usr/local/bin/pip"
find "$root/usr/local" -name __pycache__ -type d -prune -exec rm -rf {} +

if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
    printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\ntimeout = 120\n' >"$root/etc/pip.conf"
fi

container=$("${buildah[@]}" from scratch)
"${buildah[@]}" add -q "$container" "$root" / >/dev/null
"${buildah[@]}" config --env PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin --env LANG=C.UTF-8 --cmd python3 "$container"
"${buildah[@]}" commit -q --rm --format docker "$container" "$name" >/dev/null
echo "$name"
