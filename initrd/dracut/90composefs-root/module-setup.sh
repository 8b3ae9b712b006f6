#!/bin/bash
# The dracut module of composefs-root: an initrd with systemd that boots nothing but a verified root.
#
# The policy and the keys come from /etc/composefs-root of this machine, or from the directory that the variable
# composefs_root_config names in dracut.conf(5). Where there is no policy, the module is left out unless it is asked
# for; then that is an error.

# dracut sets systemdutildir, systemdsystemunitdir, initdir and moddir.
# shellcheck disable=SC2154
config_directory=${composefs_root_config:-/etc/composefs-root}
program=/usr/lib/composefs-root/composefs-root

check() {
    require_binaries mount "$program" || return 1
    [[ -e $config_directory/policy.toml ]] || return 255
}

depends() {
    echo systemd-initrd systemd-modules-load udev-rules kernel-modules
}

# Of the file system that holds the store, ext4 is what cfs-sign disk makes; dracut knows its own ways to more.
# fs-verity takes the fastest SHA-256 there is when the first file is opened: udev loads it for the processor.
installkernel() {
    hostonly='' instmods erofs overlay loop ext4 \
        sha256_ssse3 sha256_arm64 sha2_ce sha256_arm sha2_arm_ce sha256_riscv64 sha256_s390 sha256_ppc_spe \
        sha256_sparc64 octeon_sha256
}

install() {
    local key

    inst_multiple mount "$program" /usr/sbin/mount.composefs-root
    inst_simple "$moddir/modules.conf" /usr/lib/modules-load.d/composefs-root.conf
    # Without the generator the guard ends every boot: an initrd may have units of its own instead.
    inst_multiple -o /usr/lib/systemd/system-generators/composefs-root-generator
    inst_multiple \
        "$systemdsystemunitdir"/composefs-root-{cmdline,failure,guard,guard-switch}.service \
        "$systemdsystemunitdir"/initrd-root-fs.target.requires/composefs-root-guard.service \
        "$systemdsystemunitdir"/initrd-switch-root.service.requires/composefs-root-guard-switch.service

    # What the policy says counts at boot: here it is only asked whether it could want a shell.
    if grep -q 'shell *= *true' "$config_directory/policy.toml"; then
        inst_multiple sh sulogin "$systemdutildir/systemd-sulogin-shell" \
            "$systemdsystemunitdir"/emergency.{service,target}
    fi

    inst_simple "$config_directory/policy.toml" /etc/composefs-root/policy.toml
    for key in "$config_directory"/keys/*.pub; do
        [[ -e $key ]] && inst_simple "$key" "/etc/composefs-root/keys/${key##*/}"
    done
    # Without it systemd does not take this for an initrd. Up to dracut 059 only the module base makes it.
    [[ -e $initdir/etc/initrd-release ]] || : >"$initdir/etc/initrd-release"

    # What was installed, not what was meant to be.
    if ! "$program" --check-config "$initdir/etc/composefs-root"; then
        dfatal "composefs-root: the policy and keys in $config_directory could boot nothing"
        exit 1
    fi
}
