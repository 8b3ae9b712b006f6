// SPDX-License-Identifier: Apache-2.0
#include "cfs/mount/composition.hpp"

#include "cfs/base/file.hpp"
#include "unit/private_mounts.hpp"
#include "unit/small_image.hpp"

namespace cfs {
namespace {

class Compose : public RootMounts {
 protected:
  // Composes an image twice in a private namespace, under different names, and looks at the second.
  template <class Look>
  [[nodiscard]] bool composes(RootMode mode, Look look) {
    return holds_in_a_process([&] {
      ASSERT_EQ(::mount("x", make_directory("store").c_str(), "ramfs", 0, nullptr), 0);
      const VerifiedImage image =
          verified_image(directory_.write("store/image", small_image({{"etc", ""}, {"file", "contents"}})));
      (void)make_directory("store/objects");
      Kernel kernel;
      PrivateNamespace workspace = PrivateNamespace::enter(kernel).value();
      const Fd objects = open_directory(directory_.path("store/objects")).value();
      for (const char* name : {"0", "1"}) {
        const auto composition = compose(ImageKind::composefs, kernel, workspace,
                                         {.image = image, .objects = objects, .mode = mode, .name = name});
        ASSERT_TRUE(composition) << composition.error().line();
        EXPECT_EQ(read_all(open_file_beneath(composition->metadata, "file").value(), 100).value(),
                  "contents");
        EXPECT_EQ(read_bytes(PrivateNamespace::path(composition->tree_name) + "/file"), "contents");
        EXPECT_EQ(mount_at(PrivateNamespace::path(std::string("image-") + name)).value_or(MountLine()).type,
                  "erofs");
        if (*name == '1') {
          look(*composition, mount_at(PrivateNamespace::path(composition->tree_name)).value_or(MountLine()));
        }
      }
    });
  }
};

TEST_F(Compose, IsReadOnlyUnlessTheRootIsTransient) {
  EXPECT_TRUE(composes(RootMode::none, [](const Composition& composition, const MountLine& line) {
    EXPECT_EQ(line.type, "overlay");
    EXPECT_TRUE(line.has("ro") && line.superblock_has("verity=require")) << line.superblock;
    EXPECT_FALSE(line.has("nodev") || line.has("nosuid")) << line.options;
    EXPECT_EQ(::mkdirat(composition.tree.get(), "new", 0700), -1);
    EXPECT_EQ(errno, EROFS);
  }));
}

TEST_F(Compose, CanBeChangedInMemoryWhereTheRootIsTransient) {
  EXPECT_TRUE(composes(RootMode::transient, [](const Composition& composition, const MountLine& line) {
    EXPECT_TRUE(line.has("rw") && line.superblock_has("verity=require")) << line.superblock;
    EXPECT_FALSE(line.has("nodev") || line.has("nosuid")) << line.options;  // it is still the verified root
    EXPECT_EQ(::mkdirat(composition.tree.get(), "new", 0700), 0);
    EXPECT_NE(::faccessat(composition.metadata.get(), "new", F_OK, 0), 0);
    EXPECT_TRUE(std::filesystem::exists("/run/memory/" + composition.tree_name + "/upper/new"));
  }));
}

}  // namespace
}  // namespace cfs
