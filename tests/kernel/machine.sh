#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/kernel/machine.sh TESTS - boot another kernel in qemu and run tests there; the serial console is its output
#
#	TESTS		files below tests/, comma separated; words for one of them after "::"
#	AGENTSH, B	the program, and the build directory
#	KERNEL		a kernel package of Debian (a file, or a name that apt knows)
#	KERNEL_SECONDS	at most so long, on the clock of this machine
#	RACE_SECONDS	how long a race is tried there: longer than here, for one try may take seconds (5)
#	QEMU_ACCEL	an accelerator that qemu knows (software)
#	QEMU_CPU	a processor that qemu knows; what the newest have is not all emulated well (Nehalem)
set -eu
here=$(dirname "$0")
tests=$1
KERNEL=${KERNEL:-linux-image-cloud-amd64}
dir=$B/kernel
mkdir -p "$dir"

# A name of a package that only depends on the current kernel leads to that kernel
package() {
	case $KERNEL in
	*/*.deb | *.deb) realpath "$KERNEL"; return ;;
	esac
	name=$KERNEL
	next=$(apt-cache depends "$name" | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | head -1)
	[ -z "$next" ] || name=$next
	deb=$(find "$dir" -name "${name}_*.deb" | head -1)
	if [ -z "$deb" ]; then
		(cd "$dir" && apt-get -qq download "$name" >/dev/null 2>&1) || return 1
		deb=$(find "$dir" -name "${name}_*.deb" | head -1)
	fi
	echo "$deb"
}

deb=$(package) || { echo "machine: no kernel package $KERNEL" >&2; exit 77; }
kernel=$dir/$(basename "$deb" .deb)
if [ ! -d "$kernel" ]; then
	dpkg-deb -x "$deb" "$kernel.new"
	mv "$kernel.new" "$kernel"
fi
sh "$here/userland.sh" "$dir/userland.img" >&2
sh "$here/initramfs.sh" "$kernel" "$dir/initramfs.gz"
sh "$here/payload.sh" "$kernel" "$dir/payload.img" >&2
# no_timer_check: on a busy machine an emulated timer is late, and the kernel takes that for broken hardware
exec timeout "${KERNEL_SECONDS:-2000}" qemu-system-x86_64 -machine pc -cpu "${QEMU_CPU:-Nehalem}" -accel "${QEMU_ACCEL:-tcg,thread=multi}" \
	-smp 2 -m 2048 -nodefaults -display none -monitor none -serial stdio -no-reboot \
	-kernel "$kernel"/boot/vmlinuz-* -initrd "$dir/initramfs.gz" \
	-drive "file=$dir/userland.img,format=raw,if=virtio,snapshot=on" \
	-drive "file=$dir/payload.img,format=raw,if=virtio,readonly=on" \
	-append "console=ttyS0 quiet no_timer_check panic=-1 oops=panic agentsh.tests=$tests agentsh.seconds=${RACE_SECONDS:-5}" </dev/null
