// SPDX-License-Identifier: Apache-2.0
#include "random_tree.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "vm/workshop.hpp"

namespace cfs::test {

namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

// An inode has one block for all its attributes: enough of it stays free for those of the next call.
constexpr std::size_t xattr_room = 3000;

constexpr std::size_t depth_max = 6;

struct Attribute {
  std::string name;
  std::string value;
};

// The little-endian bytes of numbers, as the kernel keeps them in attributes.
template <class Number>
std::string little_endian(std::initializer_list<Number> numbers) {
  std::string bytes;
  for (const Number number : numbers) {
    for (std::size_t i = 0; i < sizeof number; ++i) {
      bytes += static_cast<char>(number >> (8 * i));
    }
  }
  return bytes;
}

void check(bool done, const fs::path& path) {
  if (!done) {
    throw std::system_error(errno, std::generic_category(), path.string());
  }
}

class Builder {
 public:
  Builder(const fs::path& root, std::uint64_t seed) : random_(seed), whiteouts_(seed % 3 == 0) {
    entries_left_ = 5 + below(76);
    fill(root, 1);
    if (seed % 16 == 5) {
      add_large_directory(root);
    }
    dress(root, S_IFDIR);
  }

 private:
  // Not the library's distributions: each library has its own.
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }
  bool once_in(std::size_t tries) { return below(tries) == 0; }

  template <class T>
  T one_of(std::initializer_list<T> choices) {
    return choices.begin()[below(choices.size())];
  }

  std::string letters(std::string_view alphabet, std::size_t length) {
    std::string text;
    while (text.size() < length) {
      text += alphabet[below(alphabet.size())];
    }
    return text;
  }

  std::string bytes(std::size_t length) {
    std::string text;
    while (text.size() < length) {
      text += static_cast<char>(random_());
    }
    return text;
  }

  std::string name();
  std::string access_list();
  std::string overlay_name();
  Attribute attribute(mode_t type);

  void fill(const fs::path& directory, std::size_t depth);
  void add_entry(const fs::path& path, std::size_t depth);
  void add_large_directory(const fs::path& root);
  void dress(const fs::path& path, mode_t type);
  void add_attributes(const fs::path& path, mode_t type);

  std::mt19937_64 random_;
  bool whiteouts_;
  std::size_t entries_left_ = 0;
  std::vector<fs::path> files_;  // that further hard links may name
};

std::string Builder::name() {
  switch (below(8)) {
    case 0: {  // any byte
      std::string any = bytes(1 + below(20));
      for (char& byte : any) {
        byte = byte == '\0' || byte == '/' ? '\xff' : byte;
      }
      return any == "." || any == ".." ? "..." : any;
    }
    case 1:
      return letters("abc", 255);
    case 2:  // as the directories of objects, and as V1's whiteouts for them
      return letters("0123456789abcdef", 2);
    case 3:  // around "." and ".."
      return one_of({"!"s, "-"s, " "s, ".a"s, "..a"s, "..."s, "\xff"s, "+"s, "\n"s, "\\"s, "="s});
    default:
      return letters("abcdefghijklmnopqrstuvwxyz_", 1 + below(40));
  }
}

// For one user beside the owner, so that the kernel cannot keep it in the mode.
std::string Builder::access_list() {
  constexpr std::uint32_t none = 0xffffffff;
  const auto entry = [](std::uint16_t tag, std::uint16_t permissions, std::uint32_t id) {
    return little_endian<std::uint16_t>({tag, permissions}) + little_endian<std::uint32_t>({id});
  };
  return little_endian<std::uint32_t>({2}) + entry(0x01, 7, none) +
         entry(0x02, one_of<std::uint16_t>({4, 5, 7}), one_of<std::uint32_t>({1, 1000, 70000})) +
         entry(0x04, 5, none) + entry(0x10, 7, none) + entry(0x20, one_of<std::uint16_t>({0, 5}), none);
}

// mkcomposefs fails (ERANGE) where it marks a whiteout or its directory and the mark's name is taken.
std::string Builder::overlay_name() {
  return whiteouts_ ? one_of({"redirect"s, "metacopy"s, "other"s})
                    : one_of({"opaque"s, "whiteout"s, "whiteouts"s, "redirect"s, "metacopy"s,
                              "overlay.opaque"s, "other"s});
}

Attribute Builder::attribute(mode_t type) {
  // The kernel keeps those of users for files and directories alone.
  const bool plain = type == S_IFREG || type == S_IFDIR;
  switch (below(plain ? 10 : 5)) {
    case 0:
    case 1:
      return {"security.selinux",
              one_of({"system_u:object_r:etc_t:s0\0"s, "system_u:object_r:usr_t:s0\0"s, "short"s})};
    case 2:
      return {"trusted.shared", std::string(one_of({0UL, 1UL, 200UL}), 's')};
    case 3:
      return {"trusted." + letters("abcdef", 1 + below(30)), bytes(below(100))};
    case 4:
      return {"trusted.overlay." + overlay_name(), one_of({"y"s, "x"s, ""s, "/some/where"s})};
    case 5:
      return {"user.mime"s, one_of({"text/plain"s, ""s})};
    case 6:
      return {"user." + letters("abc.\xff\x01 =", 1 + below(200)), bytes(below(300))};
    case 7:
      return {"user.overlay." + one_of({"opaque"s, "whiteout"s, "whiteouts"s, "other"s}), "y"};
    case 8:
      return {type == S_IFDIR && once_in(2) ? "system.posix_acl_default" : "system.posix_acl_access",
              access_list()};
    default:
      if (type == S_IFDIR) {
        return {"trusted.overlay.opaque", "y"};
      }
      return {"security.capability",
              little_endian<std::uint32_t>({0x02000001, std::uint32_t{1} << below(20), 0, 0, 0})};
  }
}

void Builder::add_attributes(const fs::path& path, mode_t type) {
  std::size_t size = 0;
  for (std::size_t count = one_of({0UL, 0UL, 1UL, 2UL, 4UL, 9UL}); count > 0; --count) {
    const Attribute added = attribute(type);
    size += added.name.size() + added.value.size() + 32;
    if (size <= xattr_room) {
      check(::lsetxattr(path.c_str(), added.name.c_str(), added.value.data(), added.value.size(), 0) == 0,
            path);
    }
  }
}

void Builder::dress(const fs::path& path, mode_t type) {
  if (once_in(3)) {
    check(::lchown(path.c_str(), one_of<uid_t>({0, 1, 1000, 65535, 65536, 4000000000}),
                   one_of<gid_t>({0, 5, 65535, 65536, 3000000000})) == 0,
          path);
  }
  // After the owner, whose change takes capabilities away; before the mode, which the lists change.
  add_attributes(path, type);
  if (type != S_IFLNK) {
    check(::chmod(path.c_str(), one_of<mode_t>({0755, 0644, 0600, 04755, 02755, 01777, 0})) == 0, path);
  }
  // From 1901 to 2446: what ext4 can tell.
  const timespec time{.tv_sec = one_of({0L, 1L, 1700000000L, 1700000001L, -1L, -1000000000L, 2147483648L,
                                        4294967296L, 6000000000L, 15000000000L}),
                      .tv_nsec = one_of({0L, 0L, 1L, 500L, 999999999L})};
  const timespec both[2] = {time, time};
  check(::utimensat(AT_FDCWD, path.c_str(), both, AT_SYMLINK_NOFOLLOW) == 0, path);
}

void Builder::fill(const fs::path& directory, std::size_t depth) {
  const std::size_t count = depth == 1 ? entries_left_ : one_of({0UL, 1UL, 3UL, 8UL, 20UL});
  for (std::size_t i = 0; i < count && entries_left_ > 0; ++i) {
    const fs::path path = directory / name();
    if (!fs::exists(fs::symlink_status(path))) {
      --entries_left_;
      add_entry(path, depth);
    }
  }
}

void Builder::add_entry(const fs::path& path, std::size_t depth) {
  const auto node = [&](mode_t type, dev_t device) {
    check(::mknod(path.c_str(), type | 0600, device) == 0, path);
    dress(path, type);
  };
  switch (below(20)) {
    case 0:
    case 1:
    case 2:
    case 3:
      if (depth < depth_max) {
        check(::mkdir(path.c_str(), 0755) == 0, path);
        fill(path, depth + 1);
        return dress(path, S_IFDIR);
      }
      [[fallthrough]];
    case 4:
    case 5:
    case 6:
      fs::create_symlink(letters("abcd./", once_in(3) ? one_of({1UL, 100UL, 2000UL, 4031UL, 4033UL, 4095UL})
                                                      : 1 + below(60)),
                         path);
      return dress(path, S_IFLNK);
    case 7:
      return node(S_IFBLK, makedev(one_of({8U, 259U, 4095U}), one_of({0U, 255U, 256U, 70000U})));
    case 8:
      return node(S_IFCHR, whiteouts_ ? makedev(0, 0) : makedev(one_of({1U, 240U}), one_of({3U, 300U})));
    case 9:
      return node(S_IFIFO, 0);
    case 10:
      return node(S_IFSOCK, 0);
    case 11:
    case 12:
      if (!files_.empty()) {
        return fs::create_hard_link(files_[below(files_.size())], path);
      }
      [[fallthrough]];
    default:
      const std::size_t size = once_in(8) ? one_of({4095UL, 4096UL, 4097UL, 10000UL, 200000UL})
                                          : one_of({0UL, 1UL, 30UL, 63UL, 64UL, 65UL, 66UL, 100UL, 1000UL});
      write(path, once_in(3) ? std::string(size, 'A') : bytes(size));
      files_.push_back(path);
      return dress(path, S_IFREG);
  }
}

// Of about 3 to 15 blocks.
void Builder::add_large_directory(const fs::path& root) {
  const fs::path directory = root / "large directory";
  check(::mkdir(directory.c_str(), 0755) == 0, directory);
  for (std::size_t left = 100 + below(400); left > 0; --left) {
    write(directory / (std::to_string(left) + letters("n", below(200))), "");
  }
  for (const auto& entry : fs::directory_iterator(directory)) {
    const timespec both[2] = {{.tv_sec = 1, .tv_nsec = 0}, {.tv_sec = 1, .tv_nsec = 0}};
    check(::utimensat(AT_FDCWD, entry.path().c_str(), both, 0) == 0, entry.path());
  }
  dress(directory, S_IFDIR);
}

}  // namespace

void make_random_tree(const fs::path& root, std::uint64_t seed) {
  const Builder builder(root, seed);
}

}  // namespace cfs::test
