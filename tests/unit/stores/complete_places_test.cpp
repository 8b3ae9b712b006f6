// SPDX-License-Identifier: Apache-2.0
#include "cfs/stores/complete_places.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "cfs/base/file.hpp"
#include "cfs/input/scan.hpp"
#include "unit/small_store.hpp"

namespace cfs {
namespace {

using Places = std::vector<std::string>;

FileTree tree_of(const std::function<void(const TempDirectory&)>& fill) {
  const TempDirectory root;
  fill(root);
  return scan(root.path(), {}).value();
}

TEST(CompletePlaces, AreThoseThatTheImageHas) {
  const FileTree tree = tree_of([](const TempDirectory& root) {
    root.write("etc/fstab", "");
    root.write("usr/lib/systemd/systemd", "");
    root.write("usr/lib/udev/hwdb.bin", "");
    root.write("usr/share/doc/copyright", "");
    root.write("usr/lib/sysctl.d", "a file where a directory should be");
    root.link("lib", "usr/lib");
    root.link("sbin", "usr/sbin");
    root.link("usr/sbin/init", "../lib/systemd/systemd");
  });
  EXPECT_EQ(usual_complete_places(tree, Places{"/sbin/init"}), (Places{"/etc", "/usr/lib/systemd"}));
}

TEST(CompletePlaces, HaveTheInitProgramsThatLieElsewhere) {
  const FileTree tree = tree_of([](const TempDirectory& root) {
    root.write("bin/busybox", "");
    root.link("sbin/init", "/bin/../bin/busybox");
    root.write("etc/other", "");
    root.link("usr/circle", "circle");
  });
  EXPECT_EQ(usual_complete_places(tree, Places{"/sbin/init", "/etc/other", "/nowhere", "/usr/circle"}),
            (Places{"/etc", "/bin/busybox"}));
}

TEST(CompletePlaces, ShouldFailWhereTheImageDoesNotHaveThem) {
  const FileTree tree = tree_of([](const TempDirectory& root) {
    root.write("usr/lib/systemd/systemd", "");
    root.link("lib", "usr/lib");
  });
  for (const char* place : {"/", "/usr", "/usr/lib/systemd/systemd"}) {
    EXPECT_TRUE(check_complete_places(tree, Places{place})) << place;
  }
  for (const char* place : {"/etc", "/lib", "/lib/systemd", "/usr/lib/systemd/systemd/x"}) {
    const auto checked = check_complete_places(tree, Places{"/usr", place});
    ASSERT_FALSE(checked) << place;
    EXPECT_EQ(checked.error().code(), Code::manifest_malformed);
    EXPECT_NE(checked.error().what().find(place), std::string::npos) << checked.error().what();
  }
}

class CompleteObjects : public ::testing::Test {
 protected:
  Code code(const Places& places) {
    const auto checked = check_complete_objects(tree_, places, open_directory(store_.path()).value());
    EXPECT_FALSE(checked);
    EXPECT_NE(checked.error().what().find("/etc/a"), std::string::npos) << checked.error().what();
    return checked.error().code();
  }
  Result<> check(const Places& places) {
    return check_complete_objects(tree_, places, open_directory(store_.path()).value());
  }

  SmallStore store_;
  FileTree tree_ = [this] {
    const std::vector<std::pair<std::string, std::string>> files{
        {"etc/a", content_a}, {"etc/again", content_a}, {"data/b", content_b}, {"etc/inline", "x"}};
    (void)store_.compose(files);
    return tree_of([&](const TempDirectory& root) {
      for (const auto& [name, bytes] : files) {
        root.write(name, bytes);
      }
    });
  }();
};

TEST_F(CompleteObjects, AreThere) {
  EXPECT_TRUE(check({"/"}));
  EXPECT_TRUE(check({"/etc", "/data/b"}));
}

TEST_F(CompleteObjects, AreThoseOfTheirPlaceOnly) {
  std::filesystem::remove(store_.path(SmallStore::object(content_b)));
  EXPECT_TRUE(check({"/etc"}));
  EXPECT_EQ(check({"/etc", "/data"}).error().code(), Code::object_missing);
}

TEST_F(CompleteObjects, ShouldFailWhenOneIsMissing) {
  std::filesystem::remove(store_.path(SmallStore::object(content_a)));
  EXPECT_EQ(code({"/etc"}), Code::object_missing);
}

TEST_F(CompleteObjects, ShouldFailWhenOneIsAnother) {
  store_.write(SmallStore::object(content_a), content_b);
  EXPECT_EQ(code({"/etc"}), Code::object_damaged);
}

TEST_F(CompleteObjects, ShouldFailWhenOneIsNoFile) {
  const auto object = store_.path(SmallStore::object(content_a));
  std::filesystem::remove(object);
  std::filesystem::create_symlink("/etc/hostname", object);
  EXPECT_EQ(code({"/etc"}), Code::path_refused);
}

}  // namespace
}  // namespace cfs
