// SPDX-License-Identifier: Apache-2.0
#include "cfs/input/tar.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/image/fsverity.hpp"
#include "cfs/image/posix_acl.hpp"
#include "cfs/input/contents.hpp"
#include "cfs/input/xattr.hpp"
#include "cfs/stores/store_writer.hpp"
#include "cfs/tool/progress.hpp"

namespace cfs {

namespace {

constexpr std::size_t read_size = 1UL << 20;

constexpr std::string_view whiteout_prefix = ".wh.";
constexpr std::string_view whiteout_meta_prefix =
    ".wh..wh.";  // aufs's own; of these, only the opaque one counts
constexpr std::string_view opaque_whiteout = ".wh..wh..opq";

struct ReaderDeleter {
  void operator()(archive* reader) const noexcept { archive_read_free(reader); }
};

std::string_view text_or_empty(const char* text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

class TarReader {
 public:
  TarReader(const ArchiveSource& source, TreeBuilder& tree, Whiteouts whiteouts, const ScanOptions& options)
      : source_(source), tree_(tree), whiteouts_(whiteouts), options_(options) {}

  Result<> run();

 private:
  static la_ssize_t give(archive* reader, void* self, const void** buffer);
  Result<> open();
  tl::unexpected<Error> failed();

  Result<> take(archive_entry* entry);
  Result<bool> take_whiteout(std::string_view path);
  Result<> complete(archive_entry* entry, Inode& inode);
  Result<> set_xattrs(archive_entry* entry, Inode& inode);
  Result<> take_contents(archive_entry* entry, Inode& inode);
  Result<> read_data(std::span<char> buffer);

  const ArchiveSource& source_;
  TreeBuilder& tree_;
  Whiteouts whiteouts_;
  const ScanOptions& options_;
  Result<> source_outcome_;  // what libarchive cannot carry
  std::unique_ptr<archive, ReaderDeleter> reader_;
};

// Called by libarchive: -1 is failure.
la_ssize_t TarReader::give(archive* reader, void* self, const void** buffer) {
  auto& own = *static_cast<TarReader*>(self);
  auto bytes = own.source_();
  if (!bytes) {
    own.source_outcome_ = tl::unexpected(std::move(bytes.error()));
    archive_set_error(reader, EIO, "the source failed");
    return -1;
  }
  *buffer = bytes->data();
  return static_cast<la_ssize_t>(bytes->size());
}

tl::unexpected<Error> TarReader::failed() {
  if (!source_outcome_) {
    return tl::unexpected(source_outcome_.error());
  }
  return fail(Code::archive_malformed, printable(text_or_empty(archive_error_string(reader_.get()))));
}

// Every compression that libarchive decodes itself: for others it would start programs.
Result<> TarReader::open() {
  reader_.reset(archive_read_new());
  for (const auto support :
       {archive_read_support_filter_gzip, archive_read_support_filter_bzip2,
        archive_read_support_filter_compress, archive_read_support_filter_xz,
        archive_read_support_filter_lzma, archive_read_support_filter_lzip, archive_read_support_filter_zstd,
        archive_read_support_filter_lz4, archive_read_support_format_tar}) {
    if (support(reader_.get()) != ARCHIVE_OK) {
      return failed();
    }
  }
  return archive_read_open(reader_.get(), this, nullptr, give, nullptr) == ARCHIVE_OK ? Result<>() : failed();
}

// Names are bytes here; that libarchive cannot express some in the process's character set is no loss: it
// then leaves them as they are. Any other warning would mean that something is missing.
bool is_about_character_set(archive* reader) {
  return text_or_empty(archive_error_string(reader)).find("can't be converted") != std::string_view::npos;
}

Result<> TarReader::run() {
  CFS_TRY(open());
  std::string last;  // where a damaged archive was still good
  for (;;) {
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(reader_.get(), &entry);
    if (status == ARCHIVE_EOF) {
      return {};
    }
    if (status != ARCHIVE_OK && !(status == ARCHIVE_WARN && is_about_character_set(reader_.get()))) {
      auto error = failed();
      return last.empty() ? error : tl::unexpected(std::move(error.value()).within(cat("after ", last)));
    }
    last = printable(text_or_empty(archive_entry_pathname(entry)));
    CFS_TRY_IN(take(entry), last);
  }
}

Result<> TarReader::take(archive_entry* entry) {
  const std::string path = CFS_TRY(entry_path(text_or_empty(archive_entry_pathname(entry))));
  if (whiteouts_ == Whiteouts::hide_lower_layers && CFS_TRY(take_whiteout(path))) {
    return {};
  }
  if (const char* target = archive_entry_hardlink(entry); target != nullptr) {
    return tree_.link(path, CFS_TRY_IN(entry_path(target), "its link"));
  }
  Inode* inode = CFS_TRY(tree_.add(path, archive_entry_filetype(entry)));
  return inode == nullptr ? Result<>() : complete(entry, *inode);
}

// Whether it was one.
Result<bool> TarReader::take_whiteout(std::string_view path) {
  const auto slash = path.rfind('/');
  const std::string_view directory = slash == std::string_view::npos ? "" : path.substr(0, slash);
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  if (!name.starts_with(whiteout_prefix)) {
    return false;
  }
  if (name == opaque_whiteout) {
    CFS_TRY(tree_.hide_contents(directory));
    return true;
  }
  if (name.starts_with(whiteout_meta_prefix)) {
    return true;
  }
  const std::string_view hidden = name.substr(whiteout_prefix.size());
  if (hidden.empty() || hidden == "." || hidden == "..") {
    return fail(Code::archive_malformed, "a whiteout without a name");
  }
  CFS_TRY(tree_.hide(cat(directory, directory.empty() ? "" : "/", hidden)));
  return true;
}

// libarchive (3.6, 3.7) reads "-5.25" as 5 seconds before 1970 and a quarter after that.
void set_time(archive_entry* entry, Inode& inode) {
  inode.mtime_sec = archive_entry_mtime(entry);
  inode.mtime_nsec = static_cast<std::uint32_t>(archive_entry_mtime_nsec(entry));
  if (inode.mtime_sec < 0 && inode.mtime_nsec > 0) {
    inode.mtime_sec -= 1;
    inode.mtime_nsec = 1'000'000'000 - inode.mtime_nsec;
  }
}

Result<> TarReader::complete(archive_entry* entry, Inode& inode) {
  if (archive_entry_uid(entry) < 0 || archive_entry_uid(entry) > UINT32_MAX || archive_entry_gid(entry) < 0 ||
      archive_entry_gid(entry) > UINT32_MAX) {
    return fail(Code::unsupported_input, "its owner does not fit in 32 bits");
  }
  inode.mode |= archive_entry_perm(entry);
  inode.uid = static_cast<uid_t>(archive_entry_uid(entry));
  inode.gid = static_cast<gid_t>(archive_entry_gid(entry));
  set_time(entry, inode);
  switch (inode.mode & S_IFMT) {
    case S_IFREG:
      CFS_TRY(take_contents(entry, inode));
      break;
    case S_IFLNK:
      CFS_TRY(set_target(inode, text_or_empty(archive_entry_symlink(entry))));
      break;
    case S_IFCHR:
    case S_IFBLK:
      inode.rdev =
          static_cast<std::uint32_t>(::makedev(static_cast<unsigned>(archive_entry_rdevmajor(entry)),
                                               static_cast<unsigned>(archive_entry_rdevminor(entry))));
      break;
    case S_IFDIR:
    case S_IFIFO:
      break;
    default:
      return fail(Code::unsupported_input, "an entry of a kind that an image cannot hold");
  }
  return set_xattrs(entry, inode);
}

std::optional<AclEntry::Tag> acl_tag(int tag) {
  switch (tag) {
    case ARCHIVE_ENTRY_ACL_USER_OBJ:
      return AclEntry::Tag::owner;
    case ARCHIVE_ENTRY_ACL_USER:
      return AclEntry::Tag::user;
    case ARCHIVE_ENTRY_ACL_GROUP_OBJ:
      return AclEntry::Tag::owning_group;
    case ARCHIVE_ENTRY_ACL_GROUP:
      return AclEntry::Tag::group;
    case ARCHIVE_ENTRY_ACL_MASK:
      return AclEntry::Tag::mask;
    case ARCHIVE_ENTRY_ACL_OTHER:
      return AclEntry::Tag::other;
    default:
      return std::nullopt;
  }
}

// The entry's list of this type; empty if it has none.
Result<std::vector<AclEntry>> read_acl(archive_entry* entry, int type) {
  std::vector<AclEntry> acl;
  int entry_type = 0;
  int permissions = 0;
  int tag = 0;
  int id = 0;
  const char* name = nullptr;
  archive_entry_acl_reset(entry, type);
  while (archive_entry_acl_next(entry, type, &entry_type, &permissions, &tag, &id, &name) == ARCHIVE_OK) {
    const auto known = acl_tag(tag);
    if (!known || (permissions & ~7) != 0) {
      return fail(Code::unsupported_input, "its access control list is not a POSIX one");
    }
    AclEntry& added = acl.emplace_back();
    added.tag = *known;
    added.permissions = static_cast<std::uint16_t>(permissions);
    if (id >= 0 && id != INT_MAX) {  // INT_MAX: what libarchive makes of larger numbers
      added.id = static_cast<std::uint32_t>(id);
    }
  }
  return acl;
}

Result<> check_ids(const std::vector<AclEntry>& acl) {
  for (const AclEntry& entry : acl) {
    if ((entry.tag == AclEntry::Tag::user || entry.tag == AclEntry::Tag::group) &&
        entry.id == AclEntry::no_id) {
      return fail(Code::unsupported_input,
                  "its access control list has names, not numbers; tar writes them with --xattrs");
    }
  }
  return {};
}

Result<> TarReader::set_xattrs(archive_entry* entry, Inode& inode) {
  std::vector<Xattr> xattrs;
  archive_entry_xattr_reset(entry);
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
    if (*name == '\0') {
      return fail(Code::archive_malformed, "an extended attribute without a name");
    }
    xattrs.push_back({name, std::string(static_cast<const char*>(value), size)});
  }
  for (const int type : {ARCHIVE_ENTRY_ACL_TYPE_ACCESS, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT}) {
    const char* const acl_name =
        type == ARCHIVE_ENTRY_ACL_TYPE_ACCESS ? "system.posix_acl_access" : "system.posix_acl_default";
    const std::vector<AclEntry> acl = CFS_TRY(read_acl(entry, type));
    for (const AclEntry& each : acl) {
      // libarchive puts what the list says about the owning group into the mode, where file systems have the
      // mask.
      if (type == ARCHIVE_ENTRY_ACL_TYPE_ACCESS && each.tag == AclEntry::Tag::mask) {
        inode.mode = (inode.mode & ~070U) | static_cast<mode_t>(each.permissions) << 3;
      }
    }
    // GNU tar writes the attribute as well, and in that form users have numbers.
    if (!acl.empty() && std::ranges::find(xattrs, acl_name, &Xattr::name) == xattrs.end()) {
      CFS_TRY(check_ids(acl));
      xattrs.push_back({acl_name, posix_acl_value(acl)});
    }
  }
  CFS_TRY(check_xattr_limit(xattrs));
  for (const Xattr& xattr : xattrs) {
    set_xattr(tree_.xattrs(), inode, xattr.name, xattr.value);
  }
  return {};
}

// Fills it. What is missing at an entry's end is a hole there: libarchive fails when the archive ends early.
Result<> TarReader::read_data(std::span<char> buffer) {
  while (!buffer.empty()) {
    const la_ssize_t got = archive_read_data(reader_.get(), buffer.data(), buffer.size());
    if (got < 0) {
      return failed();
    }
    if (got == 0) {
      std::ranges::fill(buffer, '\0');
      return {};
    }
    buffer = buffer.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

Result<> TarReader::take_contents(archive_entry* entry, Inode& inode) {
  if (archive_entry_size(entry) < 0) {
    return fail(Code::archive_malformed, "its size is negative");
  }
  const auto size = static_cast<std::uint64_t>(archive_entry_size(entry));
  const VerityReader read = [this](std::span<char> buffer) { return read_data(buffer); };
  if (size > whole_read_max) {
    const Digest digest = CFS_TRY(options_.store != nullptr ? options_.store->put(read, size, options_.hash)
                                                            : compute_verity(read, size, options_.hash));
    inode.content = ExternalFile{digest, size};
  } else if (size > 0) {
    std::string bytes(static_cast<std::size_t>(size), '\0');
    CFS_TRY(read_data(bytes));
    CFS_TRY(set_contents(inode, size, bytes, Fd(), options_));
  }
  if (options_.progress != nullptr) {
    options_.progress->add(size);
  }
  return {};
}

}  // namespace

Result<> read_tar(const ArchiveSource& source, TreeBuilder& tree, Whiteouts whiteouts,
                  const ScanOptions& options) {
  return TarReader(source, tree, whiteouts, options).run();
}

Result<FileTree> load_tar(const std::string& path, const ScanOptions& options) {
  const Fd file(path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                            : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const std::string shown = path == "-" ? "standard input" : printable(path);
  if (!file) {
    return fail_errno(errno == ENOENT ? Code::not_found : Code::io_error, cat("open ", shown));
  }
  std::vector<char> buffer(read_size);
  const ArchiveSource source = [&]() -> Result<std::span<const char>> {
    return std::span<const char>(buffer).first(CFS_TRY(read_some(file, buffer)));
  };
  TreeBuilder tree(options.exclude);
  CFS_TRY_IN(read_tar(source, tree, Whiteouts::are_files, options), shown);
  return std::move(tree).finish();
}

}  // namespace cfs
