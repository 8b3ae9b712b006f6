// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/file.hpp"
#include "cfs/kernel/kernel.hpp"
#include "unit/private_mounts.hpp"

namespace cfs {
namespace {

class Namespaces : public PrivateMounts {
 protected:
  void mount_memory(const std::string& name) const {
    ASSERT_EQ(::mount("x", make_directory(name).c_str(), "tmpfs", 0, nullptr), 0);
  }
  Kernel kernel_;
};

TEST_F(Namespaces, NothingPropagatesFromAPrivateOne) {
  EXPECT_TRUE(holds_in_a_process([&] {
    const std::string place = make_directory("place");
    ASSERT_EQ(::mount(nullptr, directory_.path().c_str(), nullptr, MS_SHARED, nullptr), 0);
    const auto original = kernel_.unshare_mounts();
    ASSERT_TRUE(original) << original.error().line();
    mount_memory("place");
    ASSERT_TRUE(mount_at(place));
    const auto back = kernel_.join_mounts(*original);
    ASSERT_TRUE(back) << back.error().line();
    EXPECT_TRUE(mount_at(directory_.path()));
    EXPECT_FALSE(mount_at(place));
  }));
}

TEST_F(Namespaces, NoOtherDescriptorIsOne) {
  EXPECT_EQ(kernel_.join_mounts(open_directory("/").value()).error().code(), Code::mount_failed);
  EXPECT_EQ(kernel_.join_mounts(Fd()).error().code(), Code::mount_failed);
}

TEST_F(Namespaces, TheRootIsCoveredByItselfAndExchanged) {
  EXPECT_TRUE(holds_in_a_process([&] {
    mount_memory("next");
    directory_.write("next/marker", "next");
    const auto mounts_at_root = [] {
      int count = 0;
      std::ifstream table("/proc/self/mountinfo");
      for (std::string line; std::getline(table, line);) {
        count += line.find(" / / ") != std::string::npos ? 1 : 0;
      }
      return count;
    };
    const int before = mounts_at_root();
    const auto covered = kernel_.cover_root();
    ASSERT_TRUE(covered) << covered.error().line();
    EXPECT_GE(mounts_at_root(), before);
    EXPECT_EQ(read_bytes(directory_.path("next/marker")), "next");  // with all that is mounted below it

    const Fd next = open_directory(directory_.path("next")).value();
    const auto made = kernel_.make_root(next);
    ASSERT_TRUE(made) << made.error().line();
    EXPECT_EQ(read_bytes("/marker"), "next");
    EXPECT_EQ(std::filesystem::current_path(), "/");
    EXPECT_FALSE(std::filesystem::exists("/proc"));
  }));
}

TEST_F(Namespaces, WhatIsNoMountIsNotMadeTheRoot) {
  EXPECT_TRUE(holds_in_a_process([&] {
    const auto made = kernel_.make_root(open_directory(make_directory("plain")).value());
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code(), Code::mount_failed);
    EXPECT_TRUE(std::filesystem::exists("/proc/self"));
  }));
}

}  // namespace
}  // namespace cfs
