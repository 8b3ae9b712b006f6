#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The dracut module of composefs-root: an initrd with systemd that boots nothing but a verified root.
#
# composefs-root is the initrd's /init. Unless the policy says that the command line is signed, what dracut makes
# becomes the inner archive of an initramfs that cfs-sign makes: see cfs-sign(1), initramfs --inner.
#
# The policy and the keys come from /etc/composefs-root of this machine, or from the directory that the variable
# composefs_root_config names in dracut.conf(5). Where there is no policy, the module is left out unless it is asked
# for; then that is an error.

# dracut sets systemdutildir, systemdsystemunitdir, initdir, moddir, DRACUT_TMPDIR, mods_to_load and modules_loaded.
# shellcheck disable=SC2154
config_directory=${composefs_root_config:-/etc/composefs-root}
program=/usr/lib/composefs-root/composefs-root

policy_says() {
    [[ $("$program" --policy-value "$1" "$config_directory" 2>/dev/null) == "$2" ]]
}

check() {
    require_binaries mount "$program" || return 1
    [[ -e $config_directory/policy.toml ]] || return 255
    policy_says cmdline.trust signed || require_binaries cfs-sign cpio || return 1
}

depends() {
    echo systemd-initrd systemd-modules-load udev-rules kernel-modules
}

# Of the file system that holds the store, ext4 is what cfs-sign disk makes; dracut knows its own ways to more.
# fs-verity takes the fastest SHA-256 there is when the first file is opened: udev loads it for the processor.
installkernel() {
    hostonly='' instmods erofs overlay loop ext4 @cfs_sha256_modules@
}

# What other modules of dracut's add to the programs that are trusted with the boot.
composefs_root_judge_modules() {
    local module what conflict=
    for module in $mods_to_load $modules_loaded; do
        case $module in
            squash*) conflict=$module; continue ;;
            base) what='runs shell hooks, some on words of the kernel command line' ;;
            initqueue) what='runs shell commands when devices appear' ;;
            resume) what='resumes from a memory image that a disk or a firmware variable names' ;;
            network* | systemd-networkd | connman) what='listens to the network' ;;
            *) continue ;;
        esac
        dwarn "composefs-root: dracut's module $module $what, before the root is verified: omit it if you can"
    done
    if [[ $conflict ]]; then
        dfatal "composefs-root: dracut's module $conflict has the kernel start its own /init: omit it"
        exit 1
    fi
}

# The kernel must be able to decompress it; cfs-sign does no others.
composefs_root_compression() {
    local chosen=${compress%% *}
    case ${chosen##*/} in
        cat) echo none; return ;;
        gzip | pigz) echo gzip; return ;;
        zstd) echo zstd; return ;;
        '') ;;
        *) dwarn "composefs-root: cfs-sign compresses an initramfs by zstd or gzip, not by $chosen" ;;
    esac
    if check_kernel_config CONFIG_RD_ZSTD; then
        echo zstd
    else
        echo gzip
    fi
}

# dracut pipes the archive through $compress last. 059, 106 and 112 take any program for that; the newer ones ask by
# its name what the kernel must support, and nothing for cat.
composefs_root_wrap() {
    local filter=$DRACUT_TMPDIR/composefs-root/cat
    if [[ $filter == *[[:space:]]* ]]; then
        dfatal "composefs-root: dracut's temporary directory must have no blanks in its name: $DRACUT_TMPDIR"
        exit 1
    fi
    mkdir -p "${filter%/*}"
    printf '#!/bin/bash\nexec cfs-sign initramfs --inner - --output - --compress %q --program %q --policy %q --keys %q\n' \
        "$(composefs_root_compression)" "$program" "$initdir"/etc/composefs-root/{policy.toml,keys} >"$filter"
    chmod 0755 "$filter"
    compress=$filter
    # shellcheck disable=SC2034 # 3cpio has compressors of its own
    CPIO=cpio
}

install() {
    local key

    composefs_root_judge_modules
    inst_multiple mount "$program" /usr/sbin/mount.composefs-root
    inst_simple "$moddir/modules.conf" /usr/lib/modules-load.d/composefs-root.conf
    # Without the generator the guard ends every boot: an initrd may have units of its own instead.
    inst_multiple -o /usr/lib/systemd/system-generators/composefs-root-generator
    inst_multiple \
        "$systemdsystemunitdir"/composefs-root-{failure,guard,guard-switch}.service \
        "$systemdsystemunitdir"/initrd-root-fs.target.requires/composefs-root-guard.service \
        "$systemdsystemunitdir"/initrd-switch-root.service.requires/composefs-root-guard-switch.service

    if policy_says failure.shell true; then
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

    if policy_says cmdline.trust signed; then
        rm -f "$initdir/init" # dracut's is a link to systemd
        inst_simple "$program" /init
    else
        composefs_root_wrap
    fi
    ln -sfn /init "$initdir$program" # one file in both roles
}
