// SPDX-License-Identifier: Apache-2.0
// Boots the small root (guest.cpp) on Debian 13's kernel, from disks and with command lines that must be
// refused.
#include "small_machine.hpp"

namespace cfs::test {
namespace {

using ::testing::AllOf;

constexpr auto manifest_path = "composefs/manifests/first.toml";

SerialLog boot_tampered(const std::string& name, const std::function<void(const StoreFileSystem&)>& tamper) {
  const auto disk = small_machine().copy_of_store_disk(name);
  tamper(StoreFileSystem(disk));
  return boot({.disks = {disk}});
}

SerialLog boot_edited(const std::string& name,
                      const std::function<void(const std::filesystem::path&)>& edit) {
  return boot({.disks = {small_machine().store_disk(name, edit)}});
}

SerialLog boot_with(const std::string& cmdline) {
  return boot({.disks = {small_machine().copy_of_store_disk("cmdline")}, .cmdline = cmdline});
}

// What the others differ from by one thing each.
TEST(Refused, NothingWhenNothingIsWrong) {
  EXPECT_THAT(boot_tampered("intact", [](const StoreFileSystem&) {}), Started());
}

TEST(Refused, ManifestWithOneBitFlipped) {
  const auto log =
      boot_tampered("flipped", [](const StoreFileSystem& disk) { disk.flip_bit(manifest_path, 30); });
  EXPECT_THAT(log, RefusedWith("signature-untrusted"));
}

TEST(Refused, SignatureMissing) {
  const auto log = boot_tampered("unsigned", [](const StoreFileSystem& disk) {
    disk.edit(std::string("unlink ") + manifest_path + ".sig");
  });
  EXPECT_THAT(log, RefusedWith("signature-missing"));
}

TEST(Refused, SignatureByAnUnknownKey) {
  const auto log = boot_edited("unknown-key", [](const std::filesystem::path& store) {
    const auto& workshop = small_machine().workshop();
    cfs_sign({"keygen", "--force", workshop / "stranger"});
    std::filesystem::remove(store / "manifests/first.toml.sig");
    cfs_sign({"sign", "--key", workshop / "stranger.key", store / "manifests/first.toml"});
  });
  EXPECT_THAT(log, RefusedWith("signature-untrusted"));
}

TEST(Refused, RightSignatureWrongImageId) {
  const auto log = boot_edited("image-id", [](const std::filesystem::path& store) {
    const auto& workshop = small_machine().workshop();
    add_image(store, workshop / "root", "foreign", workshop / "device.key", {"--image-id", "toaster"});
    cfs_sign({"slot", "--store", store, "current", "foreign"});
  });
  EXPECT_THAT(log, RefusedWith("image-id-mismatch"));
}

TEST(Refused, SignedManifestWithAnUnknownKey) {
  // cfs-sign does not sign such a manifest, so OpenSSL does: over the prefix and the raw bytes.
  const auto log = boot_edited("unknown-manifest-key", [](const std::filesystem::path& store) {
    const auto& workshop = small_machine().workshop();
    const auto path = store / "manifests/first.toml";
    const std::string text = "surprise = true\n" + read_bytes(path);
    write(path, text);
    write(workshop / "message", std::string("composefs-root manifest v1") + '\0' + text);
    must({"openssl", "pkeyutl", "-sign", "-rawin", "-inkey", workshop / "device.key", "-in",
          workshop / "message", "-out", workshop / "signature"});
    const std::string id = must({"sha256sum", workshop / "device.pub"}).substr(0, 64);
    write(store / "manifests/first.toml.sig",
          id + " ed25519 " + must({"base64", "-w0", workshop / "signature"}) + '\n');
  });
  EXPECT_THAT(log, RefusedWith("manifest-malformed"));
}

TEST(Refused, ManifestThatNamesAnotherDigest) {
  // The image lies under the name that the manifest gives, and is not what that name says.
  std::string wrong = small_machine().digest();
  wrong.back() = wrong.back() == '0' ? '1' : '0';
  const auto disk = small_machine().store_disk("digest", [&](const std::filesystem::path& store) {
    const auto path = store / "manifests/first.toml";
    std::string text = read_bytes(path);
    text.replace(text.find(small_machine().digest()), wrong.size(), wrong);
    write(path, text);
    cfs_sign({"sign", "--key", small_machine().workshop() / "device.key", path});
  });
  StoreFileSystem(disk).edit("link " + object_path(small_machine().digest()) + ' ' + object_path(wrong));
  EXPECT_THAT(boot({.disks = {disk}}), RefusedWith("digest-mismatch"));
}

TEST(Refused, ImageReplacedByAnotherValidOne) {
  const auto log = boot_tampered("other-image", [](const StoreFileSystem& disk) {
    disk.replace_by(object_path(small_machine().digest()), object_path(small_machine().other_digest()));
  });
  EXPECT_THAT(log, RefusedWith("digest-mismatch"));
}

TEST(Refused, ImageMissing) {
  const auto log = boot_tampered("no-image", [](const StoreFileSystem& disk) {
    disk.edit("unlink " + object_path(small_machine().digest()));
  });
  EXPECT_THAT(log, RefusedWith("image-missing"));
}

TEST(Refused, ImageWithoutVerity) {
  const auto log = boot_tampered("no-verity", [](const StoreFileSystem& disk) {
    disk.clear_verity(object_path(small_machine().digest()));
  });
  EXPECT_THAT(log, RefusedWith("verity-missing"));
}

TEST(Refused, ImageWithOneBitFlipped) {
  // Its digest still measures right, for that is what the metadata says: reading it is what fails.
  const auto log = boot_tampered("damaged-image", [](const StoreFileSystem& disk) {
    disk.flip_bit(object_path(small_machine().digest()), 1024);
  });
  EXPECT_THAT(log, RefusedWith("mount-failed"));
}

TEST(Refused, SlotThatLeadsOutOfTheStore) {
  for (const char* target :
       {"../../first.toml", "/composefs/manifests/first.toml", "../manifests/../first.toml"}) {
    const auto log = boot_tampered("slot-out", [&](const StoreFileSystem& disk) {
      disk.replace_by_link("composefs/slots/current", target);
    });
    EXPECT_THAT(log, RefusedWith("path-refused")) << target;
  }
}

TEST(Refused, ManifestThatIsASymbolicLink) {
  const auto log = boot_tampered("manifest-link", [](const StoreFileSystem& disk) {
    disk.edit(std::string("link ") + manifest_path + " composefs/elsewhere");
    disk.replace_by_link(manifest_path, "../elsewhere");
  });
  EXPECT_THAT(log, RefusedWith("path-refused"));
}

TEST(Refused, ObjectReachedThroughASymbolicLink) {
  const std::string path = object_path(small_machine().digest());
  const auto log = boot_tampered("object-link", [&](const StoreFileSystem& disk) {
    disk.edit("link " + path + " composefs/image");
    disk.replace_by_link(path, "../../image");
  });
  EXPECT_THAT(log, RefusedWith("path-refused"));
}

TEST(Refused, StoreThatIsASymbolicLink) {
  const auto log = boot_tampered("store-link", [](const StoreFileSystem& disk) {
    disk.edit("mkdir real");
    disk.edit("link composefs real/composefs");
    disk.replace_by_link("composefs", "real/composefs");
  });
  EXPECT_THAT(log, RefusedWith("store-malformed"));
}

TEST(Refused, EmptyStore) {
  const auto log = boot_tampered(
      "empty", [](const StoreFileSystem& disk) { disk.edit("unlink composefs/slots/current"); });
  EXPECT_THAT(log, RefusedWith("manifest-missing"));
}

TEST(Refused, InitThatTheManifestDoesNotAllow) {
  EXPECT_THAT(boot_with("init=/bin/sh"), RefusedWith("init-refused"));
}

// The verdict on each word is a unit test's: here, that it counts, for the kernel's parameters and for
// systemd's.
TEST(Refused, WordsThatAnUntrustedCommandLineMayNotCarry) {
  for (const char* word : {"mitigations=off", "systemd.condition_first_boot=1"}) {
    EXPECT_THAT(boot_with(word), AllOf(RefusedWith("parameter-refused"), Says(word)));
  }
}

TEST(Refused, FileSystemThatAsksForMore) {
  EXPECT_THAT(boot({.disks = {small_machine().disk_with_mount_option("panic")}}),
              RefusedWith("file-system-refused"));
}

// What is looked at before the mount is fine; the journal has another superblock, which asks for more.
TEST(Refused, SuperblockThatComesWithTheJournal) {
  EXPECT_THAT(boot({.disks = {small_machine().disk_with_mount_option_in_journal("journal")}}),
              AllOf(RefusedWith("file-system-refused"), Says("after its journal was replayed"),
                    Says("recovery complete")));
}

// The kernel of this machine takes no inode that has extents besides, or a Merkle tree: an older one does.
TEST(Refused, ImageWhoseContentsLieInItsInode) {
  EXPECT_THAT(boot({.disks = {small_machine().disk_with_image_in_inode("inline")}}),
              AllOf(RefusedWith("verity-missing"), Says("lie in its inode")));
}

TEST(Refused, StoreOnARemovableDisk) {
  const auto& machine = small_machine();
  const auto disk = machine.copy_of_store_disk("removable");
  const auto boot_with_doors = [&](const std::string& name, const std::string& doors) {
    return boot({.disks = {},
                 .initramfs = machine.initramfs(name, SmallMachine::policy + doors, SmallMachine::suite,
                                                {"--module", "virtio_scsi", "--module", "sd_mod"}),
                 .devices = {"-drive", "if=none,format=raw,snapshot=on,id=stick,file=" + disk.string(),
                             "-device", "virtio-scsi-pci", "-device", "scsi-hd,drive=stick,removable=on"}});
  };
  EXPECT_THAT(boot_with_doors("removable-closed", ""),
              AllOf(RefusedWith("device-missing"), Says("/dev/sda does not count, being removable")));
  EXPECT_THAT(boot_with_doors("removable-open", "[doors]\nremovable-devices = true\n"), Started());
}

TEST(Refused, NoSuchStoreDevice) {
  EXPECT_THAT(boot_with("composefs.store=LABEL=nowhere"),
              AllOf(RefusedWith("device-missing"), Says("LABEL=nowhere")));
}

TEST(Refused, TwoDevicesWithTheSameTag) {
  const auto disk = small_machine().copy_of_store_disk("twin-a");
  const auto twin = small_machine().copy_of_store_disk("twin-b");
  EXPECT_THAT(boot({.disks = {disk, twin}}), RefusedWith("device-ambiguous"));
}

TEST(Refused, EmptyPolicy) {
  // cfs-sign makes no such initramfs: the empty policy comes in a second archive, which the kernel unpacks
  // over it.
  const auto& machine = small_machine();
  const auto initramfs = machine.workshop() / "empty-policy.img";
  must({"zstd", "-q", "-d", machine.default_initramfs(), "-o", initramfs});
  write(initramfs,
        read_bytes(initramfs) + make_archive({{.path = "etc/composefs-root/policy.toml", .bytes = ""}}));
  EXPECT_THAT(boot({.disks = {machine.copy_of_store_disk("policy")}, .initramfs = initramfs}),
              RefusedWith("policy-missing"));
}

TEST(Refused, MissingPolicy) {
  const auto& machine = small_machine();
  const auto initramfs = machine.workshop() / "no-policy.img";
  write(initramfs,
        make_archive(
            {{.path = "init", .bytes = read_bytes(CFS_PROGRAMS "/initrd/composefs-root"), .mode = 0100755},
             {.path = "dev", .bytes = "", .mode = 0040755},
             {.path = "proc", .bytes = "", .mode = 0040755}}));
  EXPECT_THAT(boot({.disks = {machine.copy_of_store_disk("policy")}, .initramfs = initramfs}),
              RefusedWith("policy-missing"));
}

TEST(Refused, KernelOfDebian12SaysWhatItLacks) {
  const auto& machine = small_machine();
  const auto disk = machine.store_disk("old-kernel", [](const std::filesystem::path& store) {
    const auto& workshop = small_machine().workshop();
    add_image(store, workshop / "root", "old-kernel", workshop / "device.key",
              {"--var", "transient", "--kernel-min", "6.1"});
    cfs_sign({"slot", "--store", store, "current", "old-kernel"});
  });
  const auto log = boot({.disks = {disk},
                         .initramfs = machine.initramfs("old-kernel", SmallMachine::policy, "bookworm"),
                         .kernel_suite = "bookworm"});
  EXPECT_THAT(log,
              AllOf(RefusedWith("kernel-feature-missing"), Says("data-only layers"), Says("verity=require")));
}

}  // namespace
}  // namespace cfs::test
