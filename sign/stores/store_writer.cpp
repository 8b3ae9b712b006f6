// SPDX-License-Identifier: Apache-2.0
#include "cfs/stores/store_writer.hpp"

#include <fcntl.h>
#include <libfsverity.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <span>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/image/fsverity.hpp"
#include "cfs/kernel/kernel.hpp"
#include "cfs/store/layout.hpp"

namespace cfs {

namespace {

// Objects that wait for their names together, each as an open file: few enough for the usual limit of 1024
// open files, many enough that flushing the file system for each batch does not count.
constexpr std::size_t batch_size = 256;

constexpr mode_t object_mode =
    0644;  // as mkcomposefs: any user of the image may read what its metadata allows

Result<> flush(const Fd& file_system) {
  return ::syncfs(file_system.get()) == 0 ? Result<>()
                                          : fail_errno(Code::io_error, "flush the store to its device");
}

// Copies what follows position `from` of `source`, in the kernel where it can.
Result<> copy_rest(const Fd& source, const Fd& target, std::uint64_t from, std::uint64_t size) {
  bool in_kernel = true;
  auto position = static_cast<off64_t>(from);
  std::string buffer;
  while (static_cast<std::uint64_t>(position) < size) {
    const std::size_t wanted = static_cast<std::size_t>(
        std::min<std::uint64_t>(size - static_cast<std::uint64_t>(position), 1UL << 30));
    ssize_t got = 0;
    if (in_kernel) {
      got = ::copy_file_range(source.get(), &position, target.get(), nullptr, wanted, 0);
      // 0: some kernels' way to say that they cannot, for files of unusual file systems.
      if (got == 0 || (got < 0 && errno != EINTR && errno != EIO && errno != ENOSPC && errno != EDQUOT)) {
        in_kernel = false;
        buffer.resize(1UL << 20);
        continue;
      }
    } else {
      got = ::pread(source.get(), buffer.data(), std::min(buffer.size(), wanted), position);
      if (got == 0) {
        return fail(Code::input_changed, cat("ended after ", position, " of ", size, " bytes"));
      }
      if (got > 0) {
        CFS_TRY(write_all(target, std::string_view(buffer).substr(0, static_cast<std::size_t>(got))));
        position += got;
      }
    }
    if (got < 0 && errno != EINTR) {
      return fail_errno(Code::io_error, "copy into the store");
    }
  }
  return {};
}

// Enables fs-verity where the file system and the kernel can, and then compares the kernel's digest; tells
// whether they can. Needs that no descriptor has the file open for writing.
Result<bool> enable_verity(const Fd& file, const Digest& digest) {
  libfsverity_merkle_tree_params parameters{};
  parameters.version = 1;
  parameters.hash_algorithm = static_cast<std::uint32_t>(digest.algorithm());
  parameters.block_size = verity_block_size;
  int error = 0;
  do {
    error = ::libfsverity_enable(file.get(), &parameters);
  } while (error == -EINTR);
  // EINVAL: no such blocks here, because the file system has smaller ones or the kernel wants whole pages.
  if (error == -EOPNOTSUPP || error == -ENOTTY || error == -EINVAL) {
    return false;
  }
  if (error != 0) {
    return fail_errno(Code::io_error, "enable fs-verity", -error);
  }
  if (CFS_TRY(Kernel().measure_verity(file)) != digest) {
    return fail(Code::input_changed, "its contents changed");
  }
  return true;
}

}  // namespace

StoreWriter::StoreWriter(Fd directory, Fd objects, StoreLock lock)
    : directory_(std::move(directory)), objects_(std::move(objects)), lock_(std::move(lock)) {}

Result<std::unique_ptr<StoreWriter>> StoreWriter::open_or_create(const std::string& path) {
  CFS_TRY(create_directory(path));
  Fd directory = CFS_TRY(open_directory(path));
  for (const char* const part : store_layout::parts) {
    CFS_TRY_IN(create_directory(directory, part), printable(path));
  }
  Fd objects(
      ::openat(directory.get(), store_layout::objects, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!objects) {
    return fail_errno(Code::io_error, cat("open ", printable(path), '/', store_layout::objects));
  }
  StoreLock lock = CFS_TRY_IN(StoreLock::wait(directory, StoreLock::Kind::shared), printable(path));
  return std::unique_ptr<StoreWriter>(
      new StoreWriter(std::move(directory), std::move(objects), std::move(lock)));
}

Result<bool> StoreWriter::has(const Digest& digest, std::uint64_t size) const {
  const std::string path = digest.object_path();
  struct stat status{};
  if (::fstatat(objects_.get(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? Result<bool>(false)
                           : fail_errno(Code::io_error, cat("look at the object ", path));
  }
  if (S_ISREG(status.st_mode) && static_cast<std::uint64_t>(status.st_size) == size) {
    return true;
  }
  // Another tool was interrupted: what it left is not this object, and nothing can use it.
  if (::unlinkat(objects_.get(), path.c_str(), 0) != 0 && errno != ENOENT) {
    return fail_errno(Code::io_error, cat("remove the damaged object ", path));
  }
  return false;
}

Result<> StoreWriter::fill(const Fd& file, const Fd& source, std::uint64_t size, std::string_view head) {
  if (source && can_clone_) {
    if (::ioctl(file.get(), FICLONE, source.get()) == 0) {
      // The clone is as long as the source is now.
      struct stat status{};
      if (::fstat(file.get(), &status) != 0 || static_cast<std::uint64_t>(status.st_size) != size) {
        return fail(Code::input_changed, "its size changed");
      }
      return {};
    }
    if (errno == EOPNOTSUPP || errno == ENOTTY || errno == EXDEV) {
      can_clone_ = false;
    }
  }
  CFS_TRY_IN(write_all(file, head), "copy into the store");
  return copy_rest(source, file, head.size(), size);
}

Result<> StoreWriter::put(const Digest& digest, const Fd& source, std::uint64_t size, std::string_view head) {
  {
    const std::scoped_lock lock(pending_mutex_);
    if (pending_.contains(digest)) {
      return {};
    }
  }
  if (CFS_TRY(has(digest, size))) {
    return {};
  }
  UnnamedFile object = CFS_TRY(UnnamedFile::create(objects_, "object", object_mode));
  CFS_TRY(fill(object.fd(), source, size, head));
  return add_pending(digest, std::move(object), size);
}

Result<Digest> StoreWriter::put(const VerityReader& read, std::uint64_t size, HashAlgorithm algorithm) {
  UnnamedFile object = CFS_TRY(UnnamedFile::create(objects_, "object", object_mode));
  const VerityReader read_and_write = [&](std::span<char> buffer) -> Result<> {
    CFS_TRY(read(buffer));
    CFS_TRY_IN(write_all(object.fd(), {buffer.data(), buffer.size()}), "copy into the store");
    return {};
  };
  const Digest digest = CFS_TRY(compute_verity(read_and_write, size, algorithm));
  if (!CFS_TRY(has(digest, size))) {
    CFS_TRY(add_pending(digest, std::move(object), size));
  }
  return digest;
}

Result<> StoreWriter::add_pending(const Digest& digest, UnnamedFile object, std::uint64_t size) {
  if (can_enable_verity_) {
    CFS_TRY(object.close_for_writing());
    can_enable_verity_ = CFS_TRY(enable_verity(object.fd(), digest));
  }
  Batch full;
  {
    const std::scoped_lock lock(pending_mutex_);
    if (pending_.try_emplace(digest, std::move(object)).second) {  // not if another thread was faster
      added_.files += 1;
      added_.bytes += size;
    }
    if (pending_.size() < batch_size) {
      return {};
    }
    full.swap(pending_);
  }
  return name_objects(full);
}

Work StoreWriter::added() const {
  const std::scoped_lock lock(pending_mutex_);
  return added_;
}

Result<> StoreWriter::name_objects(const Batch& batch) const {
  if (batch.empty()) {
    return {};
  }
  CFS_TRY(flush(objects_));
  for (const auto& [digest, object] : batch) {
    const std::string path = digest.object_path();
    CFS_TRY(create_directory(objects_, path.substr(0, 2)));
    const auto named = object.add_name(path);
    if (!named && named.error().code() != Code::already_exists) {
      return named;
    }
  }
  return {};
}

Result<> StoreWriter::commit() {
  Batch rest;
  {
    const std::scoped_lock lock(pending_mutex_);
    rest.swap(pending_);
  }
  return name_objects(rest);
}

Result<> StoreWriter::add_image(const Digest& digest, std::string_view image) {
  CFS_TRY(commit());
  CFS_TRY_IN(put(digest, Fd(), image.size(), image), "store the image");
  CFS_TRY(commit());  // flushes the names of the objects too: they are all there before the image is
  const std::string path = store_layout::image_path(digest);
  const std::string target = store_layout::image_link(digest);
  const auto old = CFS_TRY(read_link(directory_, path));
  if (!old) {
    if (::symlinkat(target.c_str(), directory_.get(), path.c_str()) != 0) {
      return fail_errno(Code::io_error, cat("create ", path));
    }
  } else if (*old != target) {
    return fail(Code::already_exists, cat(path, " is a link to ", printable(*old)));
  }
  return flush(objects_);
}

}  // namespace cfs
