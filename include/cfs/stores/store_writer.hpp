// SPDX-License-Identifier: Apache-2.0
// A store on the build host, as a place to put objects into. (What a boot reads of it is
// cfs/store/store.hpp.)
//
// An object is named by its fs-verity digest and never changes. A new one gets its name only after its
// contents reached the device, so that it is there complete or not at all, whatever is interrupted; fs-verity
// is enabled on it where the file system can.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "cfs/base/atomic_file.hpp"
#include "cfs/base/digest.hpp"
#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "cfs/image/fsverity.hpp"
#include "cfs/stores/store_lock.hpp"
#include "cfs/tool/progress.hpp"

namespace cfs {

class StoreWriter {
 public:
  // Opens the store directory `path`; it and its parts (objects/, images/, manifests/, slots/) are created
  // where missing. Nobody removes from the store until this object is gone: waits for the one who does now.
  // Code::not_found if its parent is not there, Code::io_error.
  [[nodiscard]] static Result<std::unique_ptr<StoreWriter>> open_or_create(const std::string& path);

  StoreWriter(const StoreWriter&) = delete;
  StoreWriter& operator=(const StoreWriter&) = delete;
  ~StoreWriter() = default;  // what was put and not committed is gone

  // Takes the first `size` bytes of `source`, whose digest this is, unless the store has the object. `head`
  // is as many of these bytes as the caller has in memory; only what follows is read from `source`, which may
  // be none if nothing does. The object gets its name at a later put() or commit(). For any number of
  // threads. Code::input_changed when `source` is shorter or, where fs-verity tells, hashes to something
  // else; Code::io_error.
  [[nodiscard]] Result<> put(const Digest& digest, const Fd& source, std::uint64_t size,
                             std::string_view head);

  // Takes the `size` bytes that `read` gives, hashing them on their way into the store, and returns their
  // digest. As put() above; errors are those of `read` too.
  [[nodiscard]] Result<Digest> put(const VerityReader& read, std::uint64_t size, HashAlgorithm algorithm);

  // What was not in the store before, so far: objects and their bytes.
  [[nodiscard]] Work added() const;

  // Gives every object its name. Code::io_error.
  [[nodiscard]] Result<> commit();

  // Puts the metadata image, commits, and names it in images/. When this returns all is on the device.
  [[nodiscard]] Result<> add_image(const Digest& digest, std::string_view image);

 private:
  using Batch = std::map<Digest, UnnamedFile>;

  StoreWriter(Fd directory, Fd objects, StoreLock lock);

  [[nodiscard]] Result<bool> has(const Digest& digest, std::uint64_t size) const;
  [[nodiscard]] Result<> fill(const Fd& file, const Fd& source, std::uint64_t size, std::string_view head);
  [[nodiscard]] Result<> add_pending(const Digest& digest, UnnamedFile object, std::uint64_t size);
  [[nodiscard]] Result<> name_objects(const Batch& batch) const;

  Fd directory_;
  Fd objects_;
  StoreLock lock_;
  std::atomic<bool> can_clone_ = true;
  std::atomic<bool> can_enable_verity_ = true;  // until the file system has refused once
  mutable std::mutex pending_mutex_;            // guards what follows
  Batch pending_;
  Work added_;
};

}  // namespace cfs
