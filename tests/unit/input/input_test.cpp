// SPDX-License-Identifier: Apache-2.0
#include "cfs/input/input.hpp"

#include <gtest/gtest.h>

#include "unit/tar_archive.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

TEST(Input, IsADirectoryOrATarArchive) {
  const TempDirectory directory;
  directory.write("root/from-directory", "");
  TarArchive tar;
  const auto archive = directory.write("a.tar", tar.file("from-archive").bytes());
  EXPECT_EQ(paths_of(read_input(directory.path("root"), "", {}).value()), "from-directory\n");
  EXPECT_EQ(paths_of(read_input(archive, "", {}).value()), "from-archive\n");
  EXPECT_EQ(read_input(archive, "linux/arm64", {}).error().code(), Code::usage);
  EXPECT_EQ(read_input(directory.path("missing"), "", {}).error().code(), Code::not_found);
}

// That it tries to read a layout shows in what it misses there.
TEST(Input, KnowsOciLayouts) {
  const TempDirectory directory;
  directory.write("layout/oci-layout", R"({"imageLayoutVersion": "1.0.0"})");
  directory.write("layout/index.json", R"({"manifests": []})");
  const auto what = [&](const std::string& source) { return read_input(source, "", {}).error().what(); };
  EXPECT_EQ(what(directory.path("layout")),
            "the OCI image in " + directory.path("layout") + ": index.json: it names no image");
  EXPECT_EQ(what("oci:" + directory.path("layout")), what(directory.path("layout")));
  EXPECT_EQ(what("oci:" + directory.path("layout") + ":host/x:1"),
            "the OCI image in " + directory.path("layout") + ": index.json: no image is tagged host/x:1");
  EXPECT_EQ(read_input("oci:" + directory.path("missing"), "", {}).error().code(), Code::not_found);
}

}  // namespace
}  // namespace cfs
