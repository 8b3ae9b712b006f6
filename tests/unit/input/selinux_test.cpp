// SPDX-License-Identifier: Apache-2.0
#include "cfs/input/selinux.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

TEST(Selinux, FindsLabelsByPathAndType) {
  const TempDirectory directory;
  directory.write("contexts.subs_dist", "/usr/lib64 /usr/lib\n");
  const auto labels = SelinuxLabels::open(directory.write("contexts",
                                                          "/usr/lib(/.*)? system_u:object_r:lib_t:s0\n"
                                                          "/usr/lib/x -l system_u:object_r:link_t:s0\n"));
  ASSERT_TRUE(labels);
  const std::string library("system_u:object_r:lib_t:s0\0", 27);
  EXPECT_EQ(labels->find("/usr/lib", S_IFDIR | 0755).value(), library);
  EXPECT_EQ(labels->find("/usr/lib64/\xff", S_IFREG | 0644).value(), library);
  EXPECT_EQ(labels->find("/usr/lib/x", S_IFLNK | 0777).value(),
            std::string("system_u:object_r:link_t:s0\0", 28));
  EXPECT_EQ(labels->find("/etc", S_IFDIR).value(), std::nullopt);
}

TEST(Selinux, NamesAFileThatIsNone) {
  const TempDirectory directory;
  EXPECT_EQ(SelinuxLabels::open(directory.path("missing")).error().code(), Code::not_found);
  for (const auto* text : {"/usr(/.* system_u:object_r:lib_t:s0\n", "/usr\n"}) {
    const auto labels = SelinuxLabels::open(directory.write("bad", text));
    ASSERT_FALSE(labels) << text;
    EXPECT_EQ(labels.error().code(), Code::unsupported_input);
    EXPECT_NE(labels.error().what().find(directory.path("bad")), std::string::npos) << labels.error().line();
  }
}

}  // namespace
}  // namespace cfs
