// SPDX-License-Identifier: Apache-2.0
#include "cfs/mount/private_namespace.hpp"

#include "cfs/base/file.hpp"
#include "unit/private_mounts.hpp"

namespace cfs {
namespace {

class Workspace : public PrivateMounts {
 protected:
  [[nodiscard]] Fd memory() {
    return kernel_
        .mount(
            {.type = "tmpfs", .source = "x", .superblock = Access::read_write, .mount = Access::read_write})
        .value();
  }
  Kernel kernel_;
};

TEST_F(Workspace, HoldsWhatIsAttachedWhereNobodyElseSeesIt) {
  EXPECT_TRUE(holds_in_a_process([&] {
    auto workspace = PrivateNamespace::enter(kernel_);
    ASSERT_TRUE(workspace) << workspace.error().line();
    const auto place = mount_at("/run").value_or(MountLine());
    EXPECT_EQ(place.source, "composefs-root");
    EXPECT_TRUE(place.superblock_has("mode=700") && place.has("nodev") && place.has("nosuid"))
        << place.superblock;

    EXPECT_EQ(PrivateNamespace::path("part"), "/run/part");
    const Fd part = memory();
    ASSERT_TRUE(workspace->attach(part, "part"));
    EXPECT_TRUE(mount_at("/run/part"));
    EXPECT_EQ(workspace->attach(part, "part").error().code(), Code::mount_failed);  // a name is used once

    const Fd* const own = workspace->memory().value();
    EXPECT_EQ(workspace->memory().value(), own);
    EXPECT_TRUE(mount_at("/run/memory").value_or(MountLine()).superblock_has("mode=755"));
    EXPECT_EQ(::mkdirat(own->get(), "written", 0700), 0);

    ASSERT_TRUE(workspace->leave());
    EXPECT_FALSE(mount_at("/run/part"));
    EXPECT_NE(mount_at("/run").value_or(MountLine()).source, "composefs-root");
  }));
}

TEST_F(Workspace, IsLeftWhenItIsDestroyed) {
  EXPECT_TRUE(holds_in_a_process([&] {
    {
      PrivateNamespace first = PrivateNamespace::enter(kernel_).value();
      const PrivateNamespace workspace = std::move(first);
      ASSERT_TRUE(mount_at("/run"));
    }
    EXPECT_NE(mount_at("/run").value_or(MountLine()).source, "composefs-root");
  }));
}

}  // namespace
}  // namespace cfs
