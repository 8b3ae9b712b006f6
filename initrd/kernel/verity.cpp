// SPDX-License-Identifier: Apache-2.0
#include "cfs/kernel/kernel.hpp"

#include <linux/fs.h>
#include <linux/fsverity.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

// Contents that lie in the inode are read past fs-verity: up to autumn 2025 ext4 took an inode that has them
// and a Merkle tree, which then measures as something else than is read.
Result<> check_layout(const Fd& file) {
  int flags = 0;
  if (::ioctl(file.get(), FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_INLINE_DATA_FL) != 0) {
    return fail(Code::verity_missing, "its contents lie in its inode, where fs-verity does not reach");
  }
  return {};
}

}  // namespace

Result<Digest> Kernel::measure_verity(const Fd& file) {
  CFS_TRY(check_layout(file));
  // fsverity_digest ends in a flexible array: the bytes follow the header in one buffer.
  constexpr std::size_t longest = 64;
  alignas(fsverity_digest) std::array<unsigned char, sizeof(fsverity_digest) + longest> buffer{};
  fsverity_digest measured{};
  measured.digest_size = longest;
  std::memcpy(buffer.data(), &measured, sizeof measured);
  if (::ioctl(file.get(), FS_IOC_MEASURE_VERITY, buffer.data()) != 0) {
    if (errno == ENODATA) {
      return fail(Code::verity_missing, "fs-verity is not enabled on it");
    }
    if (errno == EOPNOTSUPP || errno == ENOTTY) {
      for (const char* known : {"/sys/fs/ext4/features/verity", "/sys/fs/f2fs/features/verity",
                                "/sys/fs/btrfs/features/verity"}) {
        if (::access(known, F_OK) == 0) {
          return fail(Code::verity_missing, "its file system has no fs-verity");
        }
      }
      return fail(Code::kernel_feature, "the running kernel has no fs-verity (CONFIG_FS_VERITY)");
    }
    return fail_errno(Code::io_error, "measure its fs-verity digest");
  }
  std::memcpy(&measured, buffer.data(), sizeof measured);
  if ((measured.digest_algorithm != FS_VERITY_HASH_ALG_SHA256 &&
       measured.digest_algorithm != FS_VERITY_HASH_ALG_SHA512) ||
      measured.digest_size > longest) {
    return fail(Code::digest_mismatch,
                cat("its fs-verity hash algorithm is number ", measured.digest_algorithm));
  }
  return Digest::from_bytes(static_cast<HashAlgorithm>(measured.digest_algorithm),
                            std::span(buffer).subspan(sizeof measured, measured.digest_size));
}

}  // namespace cfs
