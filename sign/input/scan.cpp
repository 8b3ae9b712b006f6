// SPDX-License-Identifier: Apache-2.0
#include "cfs/input/scan.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/input/contents.hpp"
#include "cfs/input/filter.hpp"
#include "cfs/input/xattr.hpp"
#include "cfs/tool/progress.hpp"

namespace cfs {

namespace {

// Regular files that are found wait in batches to be read: a thread that is woken for each file would spend
// its time waking up. Each file may hold its directory open.
constexpr std::size_t batch_size = 32;
constexpr std::size_t queue_max = 8;  // batches

struct OpenDirectory {
  Fd fd;
  std::string path;       // begins with the root's, as the user gave it
  std::size_t depth = 0;  // how many directories of the tree are above it
};

// An entry of a directory: where it is, and the inode that becomes of it.
struct Found {
  std::shared_ptr<const OpenDirectory> parent;
  std::string name;
  Inode* inode;

  [[nodiscard]] std::string path() const {
    return cat(parent->path, parent->path.ends_with('/') ? "" : "/", name);
  }
};

// Opens an entry without following links. That it is no longer what the directory said is a change.
Result<Fd> open_entry(const Found& entry, int flags) {
  Fd fd(::openat(entry.parent->fd.get(), entry.name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) {
    const bool changed = errno == ENOENT || errno == ELOOP || errno == ENOTDIR;
    return fail_errno(changed ? Code::input_changed : Code::io_error, "open");
  }
  return fd;
}

Result<struct stat> status_of(const Fd& fd) {
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) {
    return fail_errno(Code::io_error, "look at it");
  }
  return status;
}

bool same_time(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

Result<> check_unchanged(const Fd& fd, const struct stat& before) {
  const struct stat now = CFS_TRY(status_of(fd));
  if (now.st_size != before.st_size || now.st_mode != before.st_mode ||
      !same_time(now.st_mtim, before.st_mtim) || !same_time(now.st_ctim, before.st_ctim)) {
    return fail(Code::input_changed, "it changed while it was read");
  }
  return {};
}

// The DT_* of an entry, for file systems whose directories do not tell.
Result<unsigned char> find_type(const Found& entry) {
  const Fd fd = CFS_TRY(open_entry(entry, O_PATH));
  const struct stat status = CFS_TRY(status_of(fd));
  return static_cast<unsigned char>(IFTODT(status.st_mode));
}

// One thread walks the directories; others read the regular files that it finds.
class Scanner {
 public:
  explicit Scanner(const ScanOptions& options) : options_(options) {}

  Result<FileTree> run(const std::string& root);

 private:
  Result<> walk(const std::string& root);
  Result<> enter(const Found& entry);
  Result<> check_no_loop(std::size_t depth, const struct stat& status);
  Result<> list(const std::shared_ptr<const OpenDirectory>& directory, Inode& inode);
  [[nodiscard]] bool excluded(const OpenDirectory& directory, const std::string& name) const;
  Result<> read_other(const Found& entry);
  Result<> read_regular(const Found& entry, std::span<char> buffer);
  Result<> read_contents(const Fd& file, const struct stat& status, Inode& inode, std::span<char> buffer);
  Result<> set_metadata(Inode& inode, const Fd& fd, const struct stat& status);

  void enqueue(Found entry);
  void flush_batch();
  void read_queued();
  Result<> read_batch(const std::vector<Found>& batch, std::span<char> buffer);
  void stop(Error error);

  ScanOptions options_;
  std::size_t root_size_ = 0;  // of the root's path, with which all others begin
  FileTree tree_;
  std::vector<Found> directories_;             // found and not listed yet; the last is next
  std::vector<std::pair<dev_t, ino_t>> path_;  // the directory that is listed, and those above it
  std::vector<Found> batch_;                   // not queued yet

  std::mutex queue_mutex_;
  std::condition_variable queue_filled_;
  std::condition_variable queue_drained_;
  std::deque<std::vector<Found>> queue_;
  bool complete_ = false;       // nothing more will be queued
  std::optional<Error> error_;  // the first; everyone stops
  std::atomic<bool> failed_ = false;

  std::mutex tree_mutex_;                             // guards what follows
  std::map<std::pair<dev_t, ino_t>, Digest> linked_;  // contents of files with several names
};

void Scanner::stop(Error error) {
  const std::scoped_lock lock(queue_mutex_);
  if (!error_) {
    error_ = std::move(error);
    failed_ = true;
  }
  queue_filled_.notify_all();
  queue_drained_.notify_all();
}

void Scanner::enqueue(Found entry) {
  batch_.push_back(std::move(entry));
  if (batch_.size() == batch_size) {
    flush_batch();
  }
}

void Scanner::flush_batch() {
  std::unique_lock lock(queue_mutex_);
  queue_drained_.wait(lock, [this] { return queue_.size() < queue_max || error_; });
  queue_.push_back(std::exchange(batch_, {}));
  queue_filled_.notify_one();
}

void Scanner::read_queued() {
  std::vector<char> buffer(whole_read_max);
  for (;;) {
    std::unique_lock lock(queue_mutex_);
    queue_filled_.wait(lock, [this] { return !queue_.empty() || complete_ || error_; });
    if (queue_.empty() || error_) {
      return;
    }
    const std::vector<Found> batch = std::move(queue_.front());
    queue_.pop_front();
    queue_drained_.notify_one();
    lock.unlock();
    if (Result<> outcome = read_batch(batch, buffer); !outcome) {
      stop(std::move(outcome.error()));
      return;
    }
  }
}

Result<> Scanner::read_batch(const std::vector<Found>& batch, std::span<char> buffer) {
  for (const Found& entry : batch) {
    if (failed_) {
      break;
    }
    CFS_TRY_IN(read_regular(entry, buffer), printable(entry.path()));
  }
  return {};
}

Result<FileTree> Scanner::run(const std::string& root) {
  {
    std::vector<std::jthread> readers;  // joined at the end of this scope
    const unsigned threads = options_.threads != 0 ? options_.threads : std::thread::hardware_concurrency();
    for (unsigned i = 0; i < std::max(threads, 1U); ++i) {
      readers.emplace_back([this] { read_queued(); });
    }
    if (Result<> outcome = walk(root); !outcome) {
      stop(std::move(outcome.error()));
    }
    flush_batch();
    const std::scoped_lock lock(queue_mutex_);
    complete_ = true;
    queue_filled_.notify_all();
  }
  if (error_) {
    return tl::unexpected(std::move(*error_));
  }
  return std::move(tree_);
}

Result<> Scanner::walk(const std::string& root) {
  root_size_ = root.size();
  Fd directory = CFS_TRY(open_directory(root));
  auto top = std::make_shared<const OpenDirectory>(OpenDirectory{std::move(directory), root});
  CFS_TRY(list(top, tree_.inodes.emplace_back()));
  top.reset();
  while (!directories_.empty() && !failed_) {
    const Found entry = std::move(directories_.back());
    directories_.pop_back();
    CFS_TRY(enter(entry));
  }
  return {};
}

Result<> Scanner::enter(const Found& entry) {
  Fd fd = CFS_TRY_IN(open_entry(entry, O_RDONLY | O_DIRECTORY), printable(entry.path()));
  return list(std::make_shared<const OpenDirectory>(
                  OpenDirectory{std::move(fd), entry.path(), entry.parent->depth + 1}),
              *entry.inode);
}

// A directory mounted below itself would be taken again, as deep as the mounts happen to go.
Result<> Scanner::check_no_loop(std::size_t depth, const struct stat& status) {
  path_.resize(depth);  // directories are listed depth first
  const std::pair identity(status.st_dev, status.st_ino);
  if (std::ranges::find(path_, identity) != path_.end()) {
    return fail(Code::unsupported_input, "this directory is mounted below itself");
  }
  path_.push_back(identity);
  return {};
}

Result<> Scanner::list(const std::shared_ptr<const OpenDirectory>& directory, Inode& inode) {
  const struct stat before = CFS_TRY_IN(status_of(directory->fd), printable(directory->path));
  CFS_TRY_IN(check_no_loop(directory->depth, before), printable(directory->path));
  CFS_TRY_IN(set_metadata(inode, directory->fd, before), printable(directory->path));
  auto entries = CFS_TRY_IN(list_entries(directory->fd), printable(directory->path));
  Directory children;
  children.reserve(entries.size());
  for (auto& [name, type] : entries) {
    if (excluded(*directory, name)) {
      continue;
    }
    const auto id = static_cast<InodeId>(tree_.inodes.size());
    Found entry{directory, name, &tree_.inodes.emplace_back()};
    children.push_back({std::move(name), id});
    if (type == DT_UNKNOWN) {
      type = CFS_TRY_IN(find_type(entry), printable(entry.path()));
    }
    if (type == DT_DIR) {
      directories_.push_back(std::move(entry));
    } else if (type == DT_REG) {
      enqueue(std::move(entry));
    } else {
      CFS_TRY_IN(read_other(entry), printable(entry.path()));
    }
  }
  inode.content = std::move(children);
  CFS_TRY_IN(check_unchanged(directory->fd, before), printable(directory->path));
  return {};
}

bool Scanner::excluded(const OpenDirectory& directory, const std::string& name) const {
  if (options_.exclude == nullptr) {
    return false;
  }
  const std::string_view from_root = std::string_view(directory.path).substr(root_size_);
  const auto start = from_root.find_first_not_of('/');
  return options_.exclude->match(start == std::string_view::npos ? name
                                                                 : cat(from_root.substr(start), '/', name));
}

// Symbolic links, devices, sockets and fifos: opened as a path only, which has no effect on them.
Result<> Scanner::read_other(const Found& entry) {
  const Fd fd = CFS_TRY(open_entry(entry, O_PATH));
  const struct stat status = CFS_TRY(status_of(fd));
  if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) {
    return fail(Code::input_changed, "it was replaced while it was read");
  }
  CFS_TRY(set_metadata(*entry.inode, fd, status));
  if (S_ISLNK(status.st_mode)) {
    std::array<char, link_target_max + 1> target;
    const auto length = ::readlinkat(fd.get(), "", target.data(), target.size());
    if (length < 0) {
      return fail_errno(Code::io_error, "read the link");
    }
    CFS_TRY(set_target(*entry.inode, {target.data(), static_cast<std::size_t>(length)}));
  }
  return {};
}

Result<> Scanner::read_regular(const Found& entry, std::span<char> buffer) {
  // Never blocking: what was a regular file may be a fifo now.
  const Fd fd = CFS_TRY(open_entry(entry, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  const struct stat before = CFS_TRY(status_of(fd));
  if (!S_ISREG(before.st_mode)) {
    return fail(Code::input_changed, "it was replaced while it was read");
  }
  CFS_TRY(set_metadata(*entry.inode, fd, before));
  if (before.st_size > 0) {
    CFS_TRY(read_contents(fd, before, *entry.inode, buffer));
  }
  CFS_TRY(check_unchanged(fd, before));
  if (options_.progress != nullptr) {
    options_.progress->add(static_cast<std::uint64_t>(before.st_size));
  }
  return {};
}

Result<> Scanner::read_contents(const Fd& file, const struct stat& status, Inode& inode,
                                std::span<char> buffer) {
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const auto head = buffer.first(size <= buffer.size() ? static_cast<std::size_t>(size) : 0);
  const std::pair identity(status.st_dev, status.st_ino);
  const bool linked = status.st_nlink > 1 && size > inline_max;
  if (linked) {
    const std::scoped_lock lock(tree_mutex_);
    if (const auto known = linked_.find(identity); known != linked_.end()) {
      inode.content = ExternalFile{known->second, size};
      return {};
    }
  }
  CFS_TRY(read_exactly(file, 0, head));
  CFS_TRY(set_contents(inode, size, {head.data(), head.size()}, file, options_));
  if (linked) {
    const std::scoped_lock lock(tree_mutex_);
    linked_.emplace(identity, std::get<ExternalFile>(inode.content).digest);
  }
  return {};
}

Result<> Scanner::set_metadata(Inode& inode, const Fd& fd, const struct stat& status) {
  inode.mode = status.st_mode;
  inode.uid = status.st_uid;
  inode.gid = status.st_gid;
  inode.rdev = static_cast<std::uint32_t>(status.st_rdev);
  inode.mtime_sec = status.st_mtim.tv_sec;
  inode.mtime_nsec = static_cast<std::uint32_t>(status.st_mtim.tv_nsec);
  const std::vector<Xattr> xattrs = CFS_TRY(read_xattrs(fd));
  if (!xattrs.empty()) {
    const std::scoped_lock lock(tree_mutex_);
    for (const Xattr& xattr : xattrs) {
      set_xattr(tree_, inode, xattr.name, xattr.value);
    }
  }
  return {};
}

}  // namespace

Result<FileTree> scan(const std::string& root, const ScanOptions& options) {
  return Scanner(options).run(root);
}

}  // namespace cfs
