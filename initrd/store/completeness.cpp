// SPDX-License-Identifier: Apache-2.0
#include "cfs/store/completeness.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "cfs/base/file.hpp"
#include "cfs/base/metacopy.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

constexpr std::string_view elf_magic = "\177ELF";
constexpr std::size_t first_read = 4096;

// What openat2(2) wants of an is_image_path().
std::string relative(std::string_view path) {
  return path.size() <= 1 ? std::string(".") : std::string(path.substr(1));
}

// What overlayfs answers for a file that the image has.
Error open_error(int error) {
  switch (error) {
    case ENOENT:
      return {Code::object_missing, "its object is not in the store"};
    case EREMOTE:
      return {Code::path_refused, "its object is not a regular file"};
    case EIO:
      return {Code::digest_mismatch, "its object has no fs-verity, or not the digest that the image names"};
    default:
      return fail_errno(Code::io_error, "open it", error).value();
  }
}

// Whether the first page of a file is in memory, without which hardly anybody reads any other. True where
// that cannot be told.
bool is_in_memory(const Fd& file) {
  const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const page = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
  if (page == MAP_FAILED) {
    return true;
  }
  unsigned char resident = 1;
  const bool told = ::mincore(page, size, &resident) == 0;
  ::munmap(page, size);
  return !told || (resident & 1) != 0;
}

class Walk {
 public:
  Walk(const Fd& root, const ExplainUnreadable& explain, AfterReading after)
      : root_(root), explain_(explain), after_(after) {}

  [[nodiscard]] std::size_t files() const { return files_; }

  Result<> place(const std::string& path) {
    path_ = path == "/" ? std::string() : path;
    const auto found = open_path_beneath(root_, relative(path));
    struct stat status{};
    if (!found) {
      return found.error().code() == Code::io_error ? Result<>(tl::unexpected(found.error()))
                                                    : not_there(found.error().what());
    }
    if (::fstat(found->get(), &status) != 0) {
      return fail_errno(Code::io_error, cat(here(), ": look at it"));
    }
    if (S_ISDIR(status.st_mode)) {
      return directory(*found, 0);
    }
    if (!S_ISREG(status.st_mode)) {
      return not_there("it is neither a directory nor a regular file");
    }
    const auto slash = path.rfind('/');
    const Fd parent = CFS_TRY(open_directory_beneath(root_, relative(path.substr(0, slash))));
    return file(parent, path.substr(slash + 1));
  }

 private:
  [[nodiscard]] std::string here() const { return path_.empty() ? std::string("/") : printable(path_); }

  [[nodiscard]] tl::unexpected<Error> not_there(std::string_view why) const {
    return fail(Code::manifest_malformed, cat("boot.complete names ", here(), ": ", why));
  }

  Result<> directory(const Fd& directory, int depth) {
    if (depth > completeness_deepest) {
      return fail(Code::image_malformed,
                  cat(here(), " is more than ", completeness_deepest, " directories deep"));
    }
    const auto size = path_.size();
    for (const ListedEntry& listed : CFS_TRY_IN(list_entries(directory), here())) {
      path_.append(1, '/').append(listed.name);
      if (++entries_ > completeness_most) {
        return fail(Code::image_malformed, cat(here(), " is one of more than ", completeness_most, " files"));
      }
      CFS_TRY(entry(directory, listed, depth));
      path_.resize(size);
    }
    return {};
  }

  Result<> entry(const Fd& parent, const ListedEntry& listed, int depth) {
    switch (listed.type) {
      case DT_REG:
        return file(parent, listed.name);
      case DT_DIR:
        return directory(CFS_TRY_IN(open_directory_beneath(parent, listed.name), here()), depth + 1);
      case DT_LNK:
        CFS_TRY_IN(read_link(parent, listed.name), here());
        return {};
      case DT_UNKNOWN:  // EROFS and overlayfs always say
        return fail(Code::io_error, cat(here(), " is of a kind that the file system does not name"));
      default:
        return {};  // a node or a socket, which has no contents
    }
  }

  Result<> file(const Fd& parent, const std::string& name) {
    const Fd opened(
        ::openat(parent.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!opened) {
      Error error = open_error(errno);
      const auto explained = explain_ ? explain_(path_) : Result<>();
      return tl::unexpected((explained ? std::move(error) : Error(explained.error())).within(here()));
    }
    const bool forget = after_ == AfterReading::forget && !is_in_memory(opened);
    CFS_TRY_IN(read(opened), here());
    if (forget) {
      (void)::posix_fadvise(opened.get(), 0, 0, POSIX_FADV_DONTNEED);
    }
    ++files_;
    return {};
  }

  // A page first: of a program that is all.
  Result<> read(const Fd& file) {
    std::size_t have = 0;
    for (std::size_t want = first_read; have < bytes_.size();) {
      const auto got = read_some(file, std::span(bytes_).subspan(have, want - have));
      if (!got) {
        return fail(Code::object_damaged, got.error().what());
      }
      have += *got;
      if (*got == 0 || std::string_view(bytes_.data(), have).starts_with(elf_magic)) {
        break;
      }
      want = bytes_.size();
    }
    return {};
  }

  const Fd& root_;
  const ExplainUnreadable& explain_;
  AfterReading after_;
  std::string path_;  // of the entry that is looked at; empty: "/"
  std::size_t entries_ = 0;
  std::size_t files_ = 0;
  std::array<char, completeness_read_bytes> bytes_;  // of it
};

}  // namespace

Result<std::size_t> check_completeness(const Fd& root, std::span<const std::string> places,
                                       const ExplainUnreadable& explain, AfterReading after) {
  Walk walk(root, explain, after);
  for (const std::string& place : places) {
    CFS_TRY(walk.place(place));
  }
  return walk.files();
}

Result<> check_object_of(const Fd& image, const Fd& objects, const std::string& path,
                         const MeasureVerity& measure) {
  const Fd file = CFS_TRY(open_file_beneath(image, relative(path)));
  std::array<char, metacopy_header_size + 64> value{};
  const ssize_t size = ::fgetxattr(file.get(), "trusted.overlay.metacopy", value.data(), value.size());
  if (size < 0) {
    // Its few bytes lie in the image.
    return errno == ENODATA ? Result<>() : fail_errno(Code::io_error, "read what digest the image names");
  }
  const auto expected = parse_metacopy({value.data(), static_cast<std::size_t>(size)});
  if (!expected) {
    return fail(Code::verity_missing, "the image names no digest for it");
  }
  const auto object = open_file_beneath(objects, expected->object_path());
  if (!object) {
    return object.error().code() == Code::not_found
               ? fail(Code::object_missing, cat("its object ", expected->text(), " is not in the store"))
               : tl::unexpected(object.error());
  }
  const Digest measured =
      CFS_TRY_IN(measure(*object, expected->algorithm()), cat("its object ", expected->text()));
  if (measured != *expected) {
    return fail(Code::digest_mismatch, cat("the digest of its object is ", measured.text(),
                                           ", and the image names ", expected->text()));
  }
  return {};
}

}  // namespace cfs
