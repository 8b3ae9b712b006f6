#include "cfs/next_root.hpp"

#include <gtest/gtest.h>

#include "temp_directory.hpp"

namespace cfs {
namespace {

Code refusal(const TempDirectory& root) {
  const auto place = open_image_configuration(root.path());
  return place ? Code::usage : place.error().code();
}

TEST(ImageConfiguration, MustBeThere) {
  const TempDirectory root;
  EXPECT_EQ(refusal(root), Code::policy_missing);
}

TEST(ImageConfiguration, MustNotBeWritable) {
  const TempDirectory root;
  root.write("usr/lib/composefs-root/policy.toml", "");
  EXPECT_EQ(refusal(root), Code::root_replaced);
}

TEST(ImageConfiguration, MustNotBeReachedByALink) {
  const TempDirectory root;
  root.write("etc/lib/composefs-root/policy.toml", "");
  root.link("usr", "etc");
  const auto place = open_image_configuration(root.path());
  ASSERT_FALSE(place);
  EXPECT_EQ(place.error().code(), Code::root_replaced);
  EXPECT_NE(place.error().what().find("symbolic link"), std::string::npos) << place.error().what();
}

}  // namespace
}  // namespace cfs
