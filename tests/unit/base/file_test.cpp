// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

class Files : public testing::Test {
 protected:
  Files() {
    directory.write("inside/file", "contents");
    directory.write("outside", "secret");
    root = open_directory(directory.path("inside")).value();
  }
  [[nodiscard]] Code refusal(const std::string& path) const {
    const auto file = open_file_beneath(root, path);
    EXPECT_FALSE(file) << path;
    return file ? Code::usage : file.error().code();
  }

  const TempDirectory directory;
  Fd root;
};

TEST_F(Files, OpensFilesBeneath) {
  directory.write("inside/a/b/c", "deep");
  EXPECT_EQ(read_all(open_file_beneath(root, "file").value(), 100).value(), "contents");
  EXPECT_EQ(read_all(open_file_beneath(root, "a/b/c").value(), 100).value(), "deep");
  EXPECT_EQ(refusal("absent"), Code::not_found);
  EXPECT_EQ(refusal("a/absent/c"), Code::not_found);
}

TEST_F(Files, CreatesDirectoriesThatAreNotThere) {
  const std::string path = directory.path("inside/made");
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(create_directory(path, 0700));
    EXPECT_TRUE(create_directory(root, "beneath"));
  }
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode, S_IFDIR | 0700U);
  EXPECT_TRUE(std::filesystem::is_directory(directory.path("inside/beneath")));
  const auto orphan = create_directory(directory.path("absent/made"));
  EXPECT_EQ(orphan.error().code(), Code::not_found);
  EXPECT_EQ(orphan.error().what(), "create " + directory.path("absent/made") + ": No such file or directory");
  EXPECT_EQ(create_directory(directory.path("outside/made")).error().code(), Code::io_error);
  EXPECT_EQ(create_directory(root, "absent/made", 0755, Code::state_failed).error().code(),
            Code::state_failed);
}

TEST_F(Files, ListsDirectories) {
  directory.write("inside/b", "");
  directory.write("inside/.hidden", "");
  directory.write("inside/a/below", "");
  const std::vector<std::string> names{".hidden", "a", "b", "file"};
  EXPECT_EQ(list_directory(root).value(), names);
  EXPECT_EQ(list_directory(root).value(), names);  // from the start again
  const Fd path_only = open_path_beneath(root, "a").value();
  EXPECT_EQ(list_directory(path_only).value(), std::vector<std::string>{"below"});
  EXPECT_EQ(list_directory(open_file_beneath(root, "file").value()).error().code(), Code::io_error);
}

TEST_F(Files, VisitsEntriesUntilItIsEnough) {
  directory.write("inside/b", "");
  directory.write("inside/c", "");
  std::vector<std::string> names;
  const auto visit = [&](const Fd& place, std::size_t enough) {
    names.clear();
    return visit_entries(place, [&](ListedEntry entry) {
      names.push_back(std::move(entry.name));
      return names.size() < enough;
    });
  };
  EXPECT_TRUE(visit(root, 4));
  std::ranges::sort(names);
  EXPECT_EQ(names, (std::vector<std::string>{"b", "c", "file"}));
  EXPECT_TRUE(visit(root, 2));
  EXPECT_EQ(names.size(), 2U);
  EXPECT_EQ(visit(open_file_beneath(root, "file").value(), 1).error().code(), Code::io_error);
  EXPECT_TRUE(names.empty());
}

TEST_F(Files, ReadsSomeAndExactly) {
  const Fd file = open_file_beneath(root, "file").value();
  std::array<char, 5> buffer{};
  EXPECT_EQ(read_some(file, buffer).value(), 5U);
  EXPECT_EQ(read_some(file, buffer).value(), 3U);
  EXPECT_EQ(std::string(buffer.data(), 3), "nts");
  EXPECT_EQ(read_some(file, buffer).value(), 0U);
  ASSERT_TRUE(read_exactly(file, 3, buffer));
  EXPECT_EQ(std::string(buffer.data(), 5), "tents");
  EXPECT_EQ(read_exactly(file, 4, buffer).error().code(), Code::input_changed);
  EXPECT_EQ(read_some(root, buffer).error().code(), Code::io_error);
}

TEST_F(Files, RefusesWaysOut) {
  EXPECT_EQ(refusal("../outside"), Code::path_refused);
  EXPECT_EQ(refusal("/etc/passwd"), Code::path_refused);
  EXPECT_EQ(refusal(directory.path("inside/file")), Code::path_refused);
  EXPECT_EQ(refusal("a/../../outside"), Code::not_found);
  directory.write("inside/a/x", "");
  EXPECT_EQ(refusal("a/../../outside"), Code::path_refused);
}

TEST_F(Files, RefusesLinks) {
  directory.link("inside/absolute", directory.path("outside"));
  directory.link("inside/relative", "../outside");
  directory.link("inside/harmless", "file");
  directory.link("inside/directory", ".");
  directory.link("inside/loop", "loop");
  for (const std::string path : {"absolute", "relative", "harmless", "directory/file", "loop"}) {
    EXPECT_EQ(refusal(path), Code::path_refused) << path;
  }
}

TEST_F(Files, RefusesOtherKinds) {
  std::filesystem::create_directory(directory.path("inside/directory"));
  ASSERT_EQ(::mkfifo(directory.path("inside/fifo").c_str(), 0600), 0);
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = directory.path("inside/socket");
  ASSERT_LT(path.size(), sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  for (const std::string name : {"directory", "fifo", "socket", "file/x"}) {
    EXPECT_EQ(refusal(name), Code::path_refused) << name;
  }
}

TEST_F(Files, RefusesOtherMounts) {
  const Fd slash = open_directory("/").value();
  EXPECT_EQ(open_file_beneath(slash, "proc/cmdline").error().code(), Code::path_refused);
}

TEST_F(Files, OpensDirectoriesBeneath) {
  std::filesystem::create_directories(directory.path("inside/a/b"));
  const auto inner = open_directory_beneath(root, "a");
  ASSERT_TRUE(inner);
  EXPECT_TRUE(open_directory_beneath(*inner, "b"));
  EXPECT_EQ(open_directory_beneath(root, "absent").error().code(), Code::not_found);
  EXPECT_EQ(open_directory_beneath(root, "file").error().code(), Code::path_refused);
  EXPECT_EQ(open_directory_beneath(root, "..").error().code(), Code::path_refused);
  directory.link("inside/linked", "a");
  EXPECT_EQ(open_directory_beneath(root, "linked").error().code(), Code::path_refused);
}

TEST_F(Files, ReadsLinks) {
  directory.link("inside/link", "../any where\n");
  EXPECT_EQ(read_link(root, "link").value(), "../any where\n");
  EXPECT_EQ(read_link(root, "absent").value(), std::nullopt);
  EXPECT_EQ(read_link(root, "file").error().code(), Code::path_refused);
}

TEST_F(Files, ReadsNoMoreThanTheLimit) {
  const Fd file = open_file_beneath(root, "file").value();
  EXPECT_EQ(read_all(file, 8).value(), "contents");
  EXPECT_EQ(read_all(file, 7).error().code(), Code::path_refused);
  EXPECT_EQ(read_all(file, 8).value(), "contents");  // the position does not matter
  const std::string large(100000, 'x');
  directory.write("large", large);
  EXPECT_EQ(read_file(directory.path("large"), 100000).value(), large);
  EXPECT_EQ(read_file(directory.path("large"), 99999).error().code(), Code::path_refused);
}

TEST_F(Files, ReadsFilesByPath) {
  EXPECT_EQ(read_file(directory.path("absent"), 10).error().code(), Code::not_found);
  EXPECT_EQ(read_file(directory.path("inside"), 10).error().code(), Code::io_error);
  EXPECT_TRUE(read_file("/proc/self/cmdline", 65536));
  EXPECT_EQ(open_directory(directory.path("absent")).error().code(), Code::not_found);
  EXPECT_EQ(open_directory(directory.path("outside")).error().code(), Code::not_found);
}

TEST_F(Files, WritesAllOrSaysWhyNot) {
  const Fd file(::open(directory.path("new").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  ASSERT_TRUE(write_all(file, "abc"));
  ASSERT_TRUE(write_all(file, "def"));
  EXPECT_EQ(read_all(file, 10).value(), "abcdef");
  const Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  const auto written = write_all(full, "x");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().what(), "write: No space left on device");
}

}  // namespace
}  // namespace cfs
