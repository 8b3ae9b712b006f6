// SPDX-License-Identifier: Apache-2.0
// One image by every road: from a directory, from a tar archive, from a container image; and the same whoever
// makes it. Needs root, to make files of every kind.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "vm/workshop.hpp"

namespace cfs::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* program = CFS_PROGRAMS "/sign/cfs-sign";

void check(bool done, const fs::path& path) {
  ASSERT_TRUE(done) << path << ": " << std::strerror(errno);
}

void set_xattr(const fs::path& path, const char* name, const std::string& value) {
  check(::lsetxattr(path.c_str(), name, value.data(), value.size(), 0) == 0, path);
}

// Everything that a tar archive can hold.
void make_tree(const fs::path& tree) {
  fs::create_directories(tree / "a/b" / std::string(255, 'd') / std::string(200, 'e'));
  write(tree / "empty", "");
  write(tree / "small", "small\n");
  write(tree / "middle", std::string(70, 'm'));
  write(tree / "large", std::string(3000000, 'l'));
  write(tree / "hole", "x");
  fs::resize_file(tree / "hole", 5000000);
  write(tree / "\xff\xc3\xa4 \n\\", "name");
  write(tree / "a/.wh.kept", "no layer: an ordinary name");
  fs::create_hard_link(tree / "large", tree / "a/large-again");
  fs::create_hard_link(tree / "small", tree / "a/small-again");
  fs::create_symlink(std::string(4000, 't'), tree / "link");
  check(::mkfifo((tree / "fifo").c_str(), 0640) == 0, "fifo");
  check(::mknod((tree / "char").c_str(), S_IFCHR | 0644, makedev(5, 1)) == 0, "char");
  check(::mknod((tree / "block").c_str(), S_IFBLK | 0660, makedev(259, 300)) == 0, "block");
  check(::mknod((tree / "a/whiteout").c_str(), S_IFCHR, 0) == 0, "whiteout");
  check(::chown((tree / "middle").c_str(), 4000000000, 65536) == 0, "middle");
  fs::permissions(tree / "middle", fs::perms(06755));
  set_xattr(tree / "small", "user.own", std::string("a\0b", 3));
  set_xattr(tree / "a", "trusted.overlay.opaque", "y");
  set_xattr(
      tree / "large", "security.capability",
      std::string("\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20));
  set_xattr(tree / "large", "security.selinux", std::string("system_u:object_r:etc_t:s0\0", 27));
  const std::string acl(
      "\x02\x00\x00\x00\x01\x00\x06\x00\xff\xff\xff\xff\x02\x00\x04\x00\x01\x00\x00\x00\x04\x00\x04"
      "\x00\xff\xff\xff\xff\x10\x00\x06\x00\xff\xff\xff\xff\x20\x00\x00\x00\xff\xff\xff\xff",
      44);
  set_xattr(tree / "middle", "system.posix_acl_access", acl);
  set_xattr(tree / "a", "system.posix_acl_default", acl);
  const auto set_time = [&](const char* name, timespec time) {
    const timespec both[2] = {time, time};
    check(::utimensat(AT_FDCWD, (tree / name).c_str(), both, AT_SYMLINK_NOFOLLOW) == 0, name);
  };
  set_time("link", {.tv_sec = 5000000000, .tv_nsec = 1});
  set_time("fifo", {.tv_sec = -1000001, .tv_nsec = 500000000});
}

std::string tar(const fs::path& tree, const fs::path& archive, const std::vector<std::string>& options = {}) {
  std::vector<std::string> command{"tar", "--xattrs", "--acls", "-C", tree, "-cf", archive};
  command.insert(command.end(), options.begin(), options.end());
  command.emplace_back(".");
  must(command);
  return archive;
}

// An OCI image layout, whose layers are these files.
class Layout {
 public:
  Layout(fs::path directory, const std::vector<fs::path>& layers) : directory_(std::move(directory)) {
    fs::create_directories(directory_ / "blobs/sha256");
    write(directory_ / "oci-layout", R"({"imageLayoutVersion": "1.0.0"})");
    std::string list;
    for (const fs::path& layer : layers) {
      list += (list.empty() ? "" : ", ") + add(layer);
    }
    write(directory_ / "manifest", R"({"schemaVersion": 2, "layers": [)" + list + "]}");
    write(directory_ / "index.json",
          R"({"schemaVersion": 2, "manifests": [)" + add(directory_ / "manifest") + "]}");
  }

  [[nodiscard]] std::string path() const { return directory_; }
  // Of the file that was added last but one: the last layer.
  [[nodiscard]] fs::path last_layer() const { return blobs_.at(blobs_.size() - 2); }

 private:
  std::string add(const fs::path& file) {
    const std::string hash = must({"sha256sum", file}).substr(0, 64);
    blobs_.push_back(directory_ / "blobs/sha256" / hash);
    fs::copy_file(file, blobs_.back());
    return R"({"digest": "sha256:)" + hash + R"(", "size": )" + std::to_string(fs::file_size(file)) + "}";
  }

  fs::path directory_;
  std::vector<fs::path> blobs_;
};

std::string digest_of(const std::string& input) {
  return cfs_sign({"compose", "--digest-only", input});
}

std::vector<std::string> objects(const fs::path& store) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(store / "objects")) {
    names.push_back(entry.path().lexically_relative(store));
  }
  std::ranges::sort(names);
  return names;
}

TEST(Input, GivesOneImageByEveryRoad) {
  const Workshop workshop;
  make_tree(workshop / "tree");
  const std::string digest = cfs_sign({"compose", "--store", workshop / "from-directory", workshop / "tree"});
  const std::string archive = tar(workshop / "tree", workshop / "tree.tar");
  EXPECT_EQ(cfs_sign({"compose", "--store", workshop / "from-tar", archive}), digest);
  EXPECT_EQ(objects(workshop / "from-tar"), objects(workshop / "from-directory"));
  EXPECT_EQ(must({"sh", "-c", R"(cat "$1" | "$0" compose --digest-only -)", program, archive}), digest);
  for (const char* compression : {"--gzip", "--bzip2", "--xz", "--zstd", "--sparse"}) {
    EXPECT_EQ(digest_of(tar(workshop / "tree", workshop / "packed.tar", {compression})), digest)
        << compression;
  }
  // Not so compressed: a layer is what the archive is, but for the one name that would be a whiteout there.
  fs::remove(workshop / "tree/a/.wh.kept");
  const Layout layout(workshop / "oci", {tar(workshop / "tree", workshop / "layer.tar", {"--gzip"})});
  const std::string expected = digest_of(workshop / "tree");
  EXPECT_EQ(digest_of(layout.path()), expected);
  EXPECT_EQ(cfs_sign({"compose", "--store", workshop / "from-oci", "oci:" + layout.path()}), expected);
}

TEST(Input, GivesOneImageOfADebianRoot) {
  const Workshop workshop;
  const fs::path root = must({CFS_SOURCE "/qemu/debian-root", "trixie"});
  const std::string digest = digest_of(root);
  const std::string archive = tar(root, workshop / "root.tar");
  EXPECT_EQ(digest_of(archive), digest);
  // A layer more, of things that came and went.
  fs::create_directories(workshop / "first/usr/share/gone");
  write(workshop / "first/usr/share/gone/file", std::string(100, 'x'));
  fs::create_directories(workshop / "first/etc");
  write(workshop / "first/etc/passwd", "another");
  fs::create_directories(workshop / "last/usr/share");
  write(workshop / "last/usr/share/.wh.gone", "");
  must({"tar", "-C", workshop / "last", "-cf", workshop / "last.tar", "usr/share/.wh.gone"});
  const Layout layout(workshop / "oci",
                      {tar(workshop / "first", workshop / "first.tar"), archive, workshop / "last.tar"});
  EXPECT_EQ(digest_of(layout.path()), digest);
}

TEST(Input, DoesNotTellWhoMadeItAndWhen) {
  const Workshop workshop;
  make_tree(workshop / "tree");
  must({"cp", "-a", workshop / "tree", workshop / "copy"});
  for (const auto& entry : fs::recursive_directory_iterator(workshop / "copy")) {
    check(::lchown(entry.path().c_str(), 65534, 65533) == 0, entry.path());
  }
  fs::permissions(workshop / "copy/middle", fs::perms(06755));  // which chown(2) took, and capabilities
  set_xattr(workshop / "copy/middle", "system.posix_acl_access",
            must({"sh", "-c", "true"}) +
                std::string("\x02\x00\x00\x00\x01\x00\x06\x00\xff\xff\xff\xff\x02\x00\x04\x00"
                            "\x01\x00\x00\x00\x04\x00\x04\x00\xff\xff\xff\xff\x10\x00\x06\x00"
                            "\xff\xff\xff\xff\x20\x00\x00\x00\xff\xff\xff\xff",
                            44));
  for (const char* name : {"tree", "copy"}) {
    ::lremovexattr((workshop / name / "large").c_str(), "security.capability");
  }
  const auto image = [&](const char* tree) {
    return cfs_sign({"compose", "--digest-only", "--owner-root", "--mtime", "1000", workshop / tree});
  };
  EXPECT_EQ(image("copy"), image("tree"));
  const auto with_epoch = [&](const char* epoch, const fs::path& input) {
    return must({"env", std::string("SOURCE_DATE_EPOCH=") + epoch, program, "compose", "--digest-only",
                 "--owner-root", input});
  };
  EXPECT_EQ(with_epoch("1000", workshop / "copy"), image("tree"));
  EXPECT_EQ(with_epoch("1000", tar(workshop / "copy", workshop / "copy.tar")), image("tree"));
  EXPECT_NE(with_epoch("1001", workshop / "copy"), image("tree"));
  const auto refused =
      run({"env", "SOURCE_DATE_EPOCH=now", program, "compose", "--digest-only", workshop / "tree"});
  EXPECT_EQ(refused.status, 2);
}

TEST(Input, LeavesOutTheSameByEveryRoad) {
  const Workshop workshop;
  make_tree(workshop / "tree");
  const std::string archive = tar(workshop / "tree", workshop / "tree.tar");
  const auto image = [&](const std::string& input) {
    return cfs_sign({"compose", "--digest-only", "--exclude", "/a", "--exclude", "l*", input});
  };
  EXPECT_EQ(image(archive), image(workshop / "tree"));
  const timespec times[2] = {{1, 0}, {1, 0}};
  check(::utimensat(AT_FDCWD, (workshop / "tree").c_str(), times, 0) == 0, "tree");
  const std::string without = image(workshop / "tree");
  fs::remove_all(workshop / "tree/a");
  fs::remove(workshop / "tree/large");
  fs::remove(workshop / "tree/link");
  check(::utimensat(AT_FDCWD, (workshop / "tree").c_str(), times, 0) == 0, "tree");
  EXPECT_EQ(digest_of(workshop / "tree"), without);
}

TEST(Input, LabelsAsTheDeviceWould) {
  const Workshop workshop;
  fs::create_directories(workshop / "tree/bin");
  write(workshop / "tree/bin/program", "x");
  write(workshop / "contexts", "/ -d u:object_r:root_t:s0\n/bin(/.*)? u:object_r:bin_t:s0\n");
  const std::string labelled =
      cfs_sign({"compose", "--digest-only", "--selinux", workshop / "contexts", workshop / "tree"});
  for (const auto& [path, label] : {std::pair("tree", std::string("u:object_r:root_t:s0\0", 21)),
                                    {"tree/bin", std::string("u:object_r:bin_t:s0\0", 20)},
                                    {"tree/bin/program", std::string("u:object_r:bin_t:s0\0", 20)}}) {
    set_xattr(workshop / path, "security.selinux", label);
  }
  EXPECT_EQ(digest_of(workshop / "tree"), labelled);
}

class BadInput : public ::testing::Test {
 protected:
  // Refuses the input, names what is wrong, and leaves a store that a good input fills.
  void expect_refused(const std::string& input, const std::string& says) {
    const fs::path store = workshop_ / "store";
    const Outcome outcome = run({program, "compose", "--store", store, input});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.output, "");
    EXPECT_THAT(outcome.errors, HasSubstr(says));
    EXPECT_TRUE(fs::is_empty(store / "images"));
    for (const std::string& object : objects(store)) {
      if (fs::is_regular_file(store / object)) {
        EXPECT_EQ(object_path(verity_digest(store / object)), "composefs/" + object);
      }
    }
  }

  Workshop workshop_;
};

TEST_F(BadInput, IsNamed) {
  fs::create_directory(workshop_ / "dir");
  write(workshop_ / "dir/file", std::string(1000, 'x'));
  const std::string archive = workshop_ / "bad.tar";
  const auto pack = [&](const std::vector<std::string>& words) {
    std::vector<std::string> command{"tar", "-C", workshop_ / "dir", "-P", "-cf", archive};
    command.insert(command.end(), words.begin(), words.end());
    must(command);
  };
  pack({"file", "../dir/file"});
  expect_refused(archive, "bad.tar: ../dir/file: the name ../dir/file has \"..\" in it");
  pack({"file", workshop_ / "dir/file"});
  expect_refused(archive, "is absolute");
  pack({"file", "./file"});
  expect_refused(archive, "archive-malformed: ");
  write(workshop_ / "dir/large", std::string(3000000, 'y'));
  pack({"file", "large"});
  fs::resize_file(archive, 2000000);
  expect_refused(archive, "large: Truncated");
  write(archive, "no archive");
  expect_refused(archive, "bad.tar");
}

TEST_F(BadInput, IsALayerThatLies) {
  fs::create_directory(workshop_ / "tree");
  write(workshop_ / "tree/file", std::string(1000, 'x'));
  const Layout layout(workshop_ / "oci", {tar(workshop_ / "tree", workshop_ / "layer.tar")});
  std::string bytes = read_bytes(layout.last_layer());
  bytes.at(bytes.find("xxxx")) = 'y';
  write(layout.last_layer(), bytes);
  expect_refused(layout.path(),
                 layout.last_layer().filename().string() + ": its contents do not hash to its name");
  fs::remove(layout.last_layer());
  expect_refused(layout.path(), "not-found: ");
}

}  // namespace
}  // namespace cfs::test
