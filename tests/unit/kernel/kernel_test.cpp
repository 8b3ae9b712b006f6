// SPDX-License-Identifier: Apache-2.0
#include "cfs/kernel/kernel.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "cfs/base/file.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

TEST(KernelRelease, IsWhatProcSays) {
  EXPECT_EQ(Kernel::release() + "\n", read_bytes("/proc/sys/kernel/osrelease"));
}

TEST(KernelVerity, IsMissingWhereNothingIsMeasured) {
  const TempDirectory directory;
  directory.write("file", "x");
  Kernel kernel;
  const auto measured =
      kernel.measure_verity(open_file_beneath(open_directory(directory.path()).value(), "file").value());
  ASSERT_FALSE(measured);
  bool known = false;
  for (const char* type : {"ext4", "f2fs", "btrfs"}) {
    known = known || std::filesystem::exists(std::string("/sys/fs/") + type + "/features/verity");
  }
  EXPECT_EQ(measured.error().code(), known ? Code::verity_missing : Code::kernel_feature);
  EXPECT_EQ(kernel.measure_verity(Fd()).error().code(), Code::io_error);
}

TEST(KernelModule, IsNotWhatIsNoModule) {
  const TempDirectory directory;
  const Fd file(::open(directory.write("module.ko", "no module").c_str(), O_RDONLY | O_CLOEXEC));
  Kernel kernel;
  const auto loaded = kernel.load_module(file);
  ASSERT_FALSE(loaded);
  if (::geteuid() == 0) {  // anyone else may not even try
    EXPECT_EQ(loaded.error().code(), Code::module_failed);
  }
}

}  // namespace
}  // namespace cfs
