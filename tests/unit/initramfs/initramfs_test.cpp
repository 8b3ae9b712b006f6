// SPDX-License-Identifier: Apache-2.0
#include "cfs/initramfs/initramfs.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "unit/kernel_tree.hpp"

namespace cfs {
namespace {

using testing::HasSubstr;

using Names = std::vector<std::string>;

// An Ed25519 key as DER SubjectPublicKeyInfo (RFC 8410), 32 bytes of this value.
std::string public_key(char value) {
  return std::string("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12) + std::string(32, value);
}

// The smallest file that is a static executable: a header and one segment.
std::string static_program() {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
  header.e_type = ET_EXEC;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 1;
  Elf64_Phdr segment{};
  segment.p_type = PT_LOAD;
  return detail::bytes_of(header) + detail::bytes_of(segment);
}

constexpr const char* policy_text = "image-id = \"demo\"\nstore = \"LABEL=store\"\n";

class Initramfs : public testing::Test {
 protected:
  Initramfs() {
    input.program = files.write("composefs-root", static_program());
    input.policy = files.write("policy.toml", policy_text);
    files.write("keys/release.pub", public_key(1));
    files.write("keys/README", "not a key");
    input.keys = files.path("keys");
    input.modules = kernel.directory();
  }

  // A kernel that has everything as a module, and file-backed EROFS.
  void usual_kernel() {
    kernel.add("kernel/crypto/sha256-ssse3.ko.xz");
    kernel.add("kernel/fs/erofs.ko.xz", {.uses = {"crc_symbol"}});
    kernel.add("kernel/fs/overlay.ko.xz");
    kernel.add("kernel/lib/crc.ko.xz", {.exports = {"crc_symbol"}});
    kernel.add("kernel/drivers/virtio_blk.ko.xz");
    kernel.add("kernel/drivers/loop.ko.xz");
    kernel.add_builtin("kernel/fs/ext4/ext4.ko");
    kernel.index();
  }

  [[nodiscard]] Error failure() const {
    const auto made = make_initramfs(input);
    return made ? Error(Code::usage, "it did not fail") : made.error();
  }

  TempDirectory files;
  KernelTree kernel;
  InitramfsInput input;
};

TEST_F(Initramfs, HoldsExactlyWhatItMust) {
  usual_kernel();
  input.required = {"virtio_blk"};
  const auto made = make_initramfs(input);
  ASSERT_TRUE(made) << made.error().what();
  Names files_in_it;
  Names others;
  for (const auto& [path, entry] : made->entries()) {
    (S_ISREG(entry.mode) ? files_in_it : others).push_back(path);
  }
  const std::string modules = "usr/lib/modules/6.12.9-test";
  EXPECT_EQ(files_in_it,
            (Names{"etc/composefs-root/keys/release.pub", "etc/composefs-root/policy.toml", "init",
                   "usr/lib/composefs-root/modules", modules + "/kernel/crypto/sha256-ssse3.ko",
                   modules + "/kernel/drivers/virtio_blk.ko", modules + "/kernel/fs/erofs.ko",
                   modules + "/kernel/fs/overlay.ko", modules + "/kernel/lib/crc.ko"}));
  for (const char* path : {"dev", "dev/console", "proc", "run", "sys", "sysroot"}) {
    EXPECT_THAT(others, testing::Contains(path));
  }
  const auto& entries = made->entries();
  EXPECT_EQ(entries.at("init").contents, static_program());
  EXPECT_EQ(entries.at("init").mode, S_IFREG | 0755U);
  EXPECT_EQ(entries.at("dev/console").device, makedev(5, 1));
  EXPECT_EQ(entries.at("etc/composefs-root/policy.toml").contents, policy_text);
  EXPECT_EQ(entries.at("etc/composefs-root/keys/release.pub").contents, public_key(1));
  EXPECT_EQ(entries.at("usr/lib/composefs-root/modules").contents,
            "/" + modules + "/kernel/crypto/sha256-ssse3.ko\n\n" +   //
                "/" + modules + "/kernel/drivers/virtio_blk.ko\n" +  //
                "/" + modules + "/kernel/lib/crc.ko\n" +             //
                "/" + modules + "/kernel/fs/overlay.ko\n\n" +        //
                "/" + modules + "/kernel/fs/erofs.ko\n");
  EXPECT_EQ(entries.at(modules + "/kernel/fs/overlay.ko").contents, make_module({}));
}

TEST_F(Initramfs, AKernelWithEverythingBuiltInNeedsNoModules) {
  for (const char* module : {"erofs", "overlay", "ext4"}) {
    kernel.add_builtin(std::string("kernel/fs/") + module + ".ko");
  }
  kernel.index();
  const auto made = make_initramfs(input);
  ASSERT_TRUE(made) << made.error().what();
  EXPECT_EQ(made->entries().at("usr/lib/composefs-root/modules").contents, "");
}

TEST_F(Initramfs, HoldsAnInnerArchiveAsOneFile) {
  input.modules.clear();
  input.inner = "the bytes of an initrd";
  const auto made = make_initramfs(input);
  ASSERT_TRUE(made) << made.error().what();
  Names files_in_it;
  for (const auto& [path, entry] : made->entries()) {
    if (S_ISREG(entry.mode)) {
      files_in_it.push_back(path);
    }
  }
  EXPECT_EQ(files_in_it, (Names{"etc/composefs-root/keys/release.pub", "etc/composefs-root/policy.toml",
                                "init", "usr/lib/composefs-root/inner.cpio"}));
  EXPECT_EQ(made->entries().at("usr/lib/composefs-root/inner.cpio").contents, input.inner);
}

TEST_F(Initramfs, RefusesAKernelThatCannotBootIt) {
  for (const char* absent : {"erofs", "overlay", "ext4"}) {
    KernelTree other;
    for (const char* module : {"erofs", "overlay", "ext4"}) {
      if (std::string_view(module) != absent) {
        other.add(std::string("kernel/fs/") + module + ".ko");
      }
    }
    other.index();
    input.modules = other.directory();
    EXPECT_EQ(failure().code(), Code::module_failed);
    EXPECT_THAT(failure().what(), HasSubstr(absent));
  }
}

TEST_F(Initramfs, RefusesARequiredModuleThatIsNotThere) {
  usual_kernel();
  input.required = {"virtio_scsi"};
  EXPECT_EQ(failure().code(), Code::module_failed);
  EXPECT_THAT(failure().what(), HasSubstr("virtio_scsi"));
}

TEST_F(Initramfs, StripsModuleSignaturesOnlyWhenAsked) {
  const std::string signature =
      std::string("s\0\0\2\0\0\0\0\0\0\0\0\1", 13) + "~Module signature appended~\n";
  usual_kernel();
  const std::string file = kernel.directory() + "/kernel/fs/overlay.ko.xz";
  write_compressed(file, make_module({}) + signature);
  const std::string path = "usr/lib/modules/6.12.9-test/kernel/fs/overlay.ko";
  EXPECT_EQ(make_initramfs(input)->entries().at(path).contents, make_module({}) + signature);
  input.signatures = ModuleSignatures::stripped;
  EXPECT_EQ(make_initramfs(input)->entries().at(path).contents, make_module({}));
  write_compressed(file, signature);
  EXPECT_EQ(failure().code(), Code::module_failed);
  EXPECT_THAT(failure().what(), HasSubstr("kernel/fs/overlay.ko"));
}

TEST_F(Initramfs, LeavesOutASoftDependencyWhenAsked) {
  usual_kernel();
  kernel.add("kernel/crypto/fast.ko");
  kernel.add("kernel/drivers/disk.ko", {.info = {"softdep=pre: fast"}});
  kernel.index();
  input.required = {"disk"};
  const std::string path = "usr/lib/modules/6.12.9-test/kernel/crypto/fast.ko";
  EXPECT_TRUE(make_initramfs(input)->entries().contains(path));
  input.left_out = {"fast"};
  EXPECT_FALSE(make_initramfs(input)->entries().contains(path));
}

TEST_F(Initramfs, RefusesATruncatedModule) {
  usual_kernel();
  std::filesystem::resize_file(kernel.directory() + "/kernel/fs/erofs.ko.xz", 64);
  EXPECT_EQ(failure().code(), Code::module_failed);
}

TEST_F(Initramfs, RefusesAPolicyThatWouldNotBoot) {
  usual_kernel();
  files.write("policy.toml", std::string(policy_text) + "surprise = 1\n");
  EXPECT_EQ(failure().code(), Code::policy_malformed);
  files.write("policy.toml", std::string(policy_text) + std::string(70'000, '#'));
  EXPECT_EQ(failure().code(), Code::policy_malformed);
  input.policy = files.path("none.toml");
  EXPECT_EQ(failure().code(), Code::policy_missing);
}

TEST_F(Initramfs, RefusesKeysThatWouldNotBoot) {
  usual_kernel();
  files.write("keys/broken.pub", "not a key");
  EXPECT_EQ(failure().code(), Code::key_malformed);
  input.keys = files.path("none");
  EXPECT_EQ(failure().code(), Code::key_missing);
}

TEST_F(Initramfs, RefusesAThresholdThatTheKeysCannotReach) {
  usual_kernel();
  files.write("policy.toml", std::string(policy_text) + "[trust]\nthreshold = 2\n");
  EXPECT_EQ(failure().code(), Code::policy_malformed);
  EXPECT_THAT(failure().what(), HasSubstr("keys: trust.threshold is 2, but only 1 key can sign"));
  files.write("keys/second.pub", public_key(2));
  const auto made = make_initramfs(input);
  EXPECT_TRUE(made) << made.error().what();
}

TEST_F(Initramfs, RefusesAProgramThatCannotStart) {
  usual_kernel();
  input.program = "/proc/self/exe";  // this test, linked dynamically
  EXPECT_EQ(failure().code(), Code::unsupported_input);
  EXPECT_THAT(failure().what(), HasSubstr("/proc/self/exe"));
  input.program = files.path("none");
  EXPECT_EQ(failure().code(), Code::not_found);
}

TEST(InitramfsModules, Sha256ComesFirstThenTheDeviceAndLoopOnlyForOldKernels) {
  for (const auto& [release, loop] : {std::pair("6.11.12-test", true), std::pair("6.12.0-test", false)}) {
    KernelTree kernel(release);
    for (const char* module : {"loop", "erofs", "overlay", "ext4", "sha2-ce", "sha256-arm64"}) {
      kernel.add(std::string("kernel/") + module + ".ko");
    }
    kernel.index();
    const auto modules = initramfs_modules(*ModuleTree::open(kernel.directory()), Names{"virtio_mmio"});
    ASSERT_TRUE(modules);
    Names others{"virtio_mmio", "erofs", "overlay", "ext4"};
    if (loop) {
      others.emplace_back("loop");
    }
    EXPECT_THAT(*modules, testing::ElementsAre(Names{"sha256_arm64", "sha2_ce"}, others)) << release;
  }
}

}  // namespace
}  // namespace cfs
