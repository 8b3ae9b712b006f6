// SPDX-License-Identifier: Apache-2.0
#include "cfs/tool/output_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <thread>

#include "cfs/base/file.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

using Existing = AtomicFile::Existing;
namespace fs = std::filesystem;

constexpr OutputOptions random_access{.access = OutputOptions::Access::random};

class Output : public testing::Test {
 protected:
  [[nodiscard]] std::ptrdiff_t entries() const {
    return std::distance(fs::directory_iterator(directory.path()), {});
  }

  const TempDirectory directory;
  const std::string path = directory.path("file");
};

Code refusal(const Result<>& result) {
  EXPECT_FALSE(result);
  return result ? Code::usage : result.error().code();
}

Code refusal(const Result<OutputFile>& result) {
  EXPECT_FALSE(result);
  return result ? Code::interrupted : result.error().code();
}

TEST_F(Output, IsCompleteOrNotThere) {
  {
    auto output = OutputFile::open(path).value();
    ASSERT_TRUE(write_all(output.fd(), "bytes"));
    EXPECT_FALSE(output.is_standard_output());
  }
  EXPECT_EQ(entries(), 0);
  ASSERT_TRUE(write_output(path, "bytes", {.mode = 0600}));
  EXPECT_EQ(read_bytes(path), "bytes");
  EXPECT_EQ(fs::status(path).permissions(), fs::perms(0600));
  EXPECT_EQ(refusal(write_output(path, "other", {.existing = Existing::refuse})), Code::already_exists);
  EXPECT_EQ(read_bytes(path), "bytes");
  ASSERT_TRUE(write_output(path, "other"));
  EXPECT_EQ(read_bytes(path), "other");
  EXPECT_EQ(entries(), 1);
}

TEST_F(Output, ReplacesWhatALinkLeadsTo) {
  directory.write("real/target", "old");
  directory.link("links/second", "../real/target");
  directory.link("first", "links/second");
  EXPECT_EQ(follow_links(directory.path("first")).value(), directory.path("links/../real/target"));
  ASSERT_TRUE(write_output(directory.path("first"), "new"));
  EXPECT_TRUE(fs::is_symlink(directory.path("first")));
  EXPECT_TRUE(fs::is_symlink(directory.path("links/second")));
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(directory.path("real/target"))));
  EXPECT_EQ(read_bytes(directory.path("real/target")), "new");
  EXPECT_EQ(std::distance(fs::directory_iterator(directory.path("real")), {}), 1);
  EXPECT_EQ(std::distance(fs::directory_iterator(directory.path("links")), {}), 1);
}

TEST_F(Output, MakesWhatALinkLeadsTo) {
  fs::create_directory(directory.path("real"));
  directory.link("absolute", directory.path("real/new"));
  ASSERT_TRUE(write_output(directory.path("absolute"), "bytes"));
  EXPECT_EQ(read_bytes(directory.path("real/new")), "bytes");
  directory.link("nowhere", "absent/file");
  EXPECT_EQ(refusal(write_output(directory.path("nowhere"), "bytes")), Code::not_found);
  directory.link("circle", "circle");
  EXPECT_EQ(refusal(write_output(directory.path("circle"), "bytes")), Code::io_error);
  EXPECT_TRUE(fs::is_symlink(directory.path("circle")));
}

TEST_F(Output, GoesIntoAFifo) {
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  directory.link("link", "file");
  for (const std::string& name : {path, directory.path("link")}) {
    std::string got;
    std::thread reader([&] { got = read_bytes(path); });
    const Result<> written = write_output(name, "through the fifo");
    reader.join();
    EXPECT_TRUE(written) << written.error().line();
    EXPECT_EQ(got, "through the fifo");
  }
  EXPECT_TRUE(fs::is_fifo(path));
  EXPECT_EQ(refusal(OutputFile::open(path, random_access)), Code::usage);
  EXPECT_EQ(refusal(write_output(path, "x", {.existing = Existing::refuse})), Code::already_exists);
  EXPECT_TRUE(fs::is_fifo(path));
}

TEST_F(Output, GoesIntoADevice) {
  ASSERT_TRUE(write_output("/dev/null", "bytes"));
  const auto full = write_output("/dev/full", "bytes");
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().what(), "/dev/full: write: No space left on device");
  EXPECT_EQ(refusal(OutputFile::open("/dev/full", random_access)), Code::usage);
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(Output, IsNoDirectory) {
  EXPECT_EQ(refusal(OutputFile::open(directory.path())), Code::usage);
  EXPECT_EQ(refusal(OutputFile::open(directory.path() + "/", random_access)), Code::usage);
  EXPECT_EQ(refusal(OutputFile::open(directory.path("absent/file"))), Code::not_found);
  EXPECT_EQ(refusal(OutputFile::open("-", random_access)), Code::usage);
}

TEST_F(Output, ReadsAsZerosUpToItsSize) {
  auto output = OutputFile::open(path, random_access).value();
  ASSERT_TRUE(make_zeros(output.fd(), 10000));
  ASSERT_TRUE(output.commit());
  EXPECT_EQ(read_bytes(path), std::string(10000, '\0'));
}

}  // namespace
}  // namespace cfs
