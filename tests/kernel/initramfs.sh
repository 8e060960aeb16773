#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/kernel/initramfs.sh KERNEL OUTPUT - what finds the disks: busybox, the drivers, init
#
# KERNEL is an unpacked kernel package. Small, because unpacking is slow under emulation.
set -eu
here=$(dirname "$0")
kernel=$1
work=$2.d
rm -rf "$work"
mkdir -p "$work/bin" "$work/drivers" "$work/dev" "$work/root"
cp "$(command -v busybox)" "$work/bin/busybox"
cp "$here/init" "$work/init"
chmod 755 "$work/init"
for m in virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk; do
	find "$kernel/lib/modules" "$kernel/usr/lib/modules" -name "$m.ko*" -exec cp {} "$work/drivers/" \; 2>/dev/null || :
done
for m in "$work"/drivers/*.xz; do
	[ ! -f "$m" ] || xz -d "$m"
done
(cd "$work" && find . | cpio -o -H newc --quiet | gzip -1) >"$2"
rm -rf "$work"
