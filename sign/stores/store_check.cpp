// SPDX-License-Identifier: Apache-2.0
#include "cfs/stores/store_check.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <iterator>
#include <mutex>
#include <ranges>
#include <span>
#include <string_view>
#include <thread>
#include <utility>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/image/fsverity.hpp"
#include "cfs/store/layout.hpp"
#include "cfs/stores/store_lock.hpp"
#include "cfs/stores/store_use.hpp"
#include "cfs/tool/progress.hpp"
#include "cfs/trust/manifest.hpp"

namespace cfs {

namespace {

bool has_manifest_file(const StoreContents& contents, std::string_view path) {
  return std::ranges::find(contents.manifests, path, &StoreContents::File::path) != contents.manifests.end();
}

// Who names images, and whether what they name is there.
class Names {
 public:
  Names(const StoreContents& contents, StoreUse& use, std::vector<Error>& problems)
      : contents_(contents), use_(use), problems_(problems) {}

  void check() {
    for (const StoreContents::File& file : contents_.manifests) {
      if (!file.signatures) {
        check_manifest(file);
      }
    }
    for (const StoreContents::Link& link : contents_.links) {
      if (const auto* const digest = std::get_if<Digest>(&link.leads_to)) {
        add_image(*digest, link.path);
      } else {
        check_slot(link.path, std::get<std::string>(link.leads_to));
      }
    }
  }

 private:
  void check_manifest(const StoreContents::File& file) {
    auto manifest = parse_manifest(file.bytes);
    if (manifest) {
      add_image(manifest->digest, file.path);
    } else {
      problems_.push_back(std::move(manifest.error()).within(file.path));
    }
  }

  void check_slot(const std::string& slot, const std::string& manifest) {
    if (const auto path = store_layout::manifest_path(manifest); !has_manifest_file(contents_, path)) {
      problems_.emplace_back(Code::manifest_missing, cat(slot, ": ", path, " is not there"));
    } else if (const auto beside = store_layout::signature_path(manifest);
               !has_manifest_file(contents_, beside)) {
      problems_.emplace_back(Code::signature_missing, cat(slot, ": ", beside, " is not there"));
    }
  }

  void add_image(const Digest& digest, const std::string& named_by) {
    for (Error& problem : use_.add_image(digest)) {
      problems_.push_back(std::move(problem).within(named_by));
    }
  }

  const StoreContents& contents_;
  StoreUse& use_;
  std::vector<Error>& problems_;
};

}  // namespace

Result<> check_object(const Fd& store, const std::string& path, const Digest& digest, Progress* progress) {
  const auto file = open_file_beneath(store, path);
  if (!file) {
    return file.error().code() == Code::not_found ? fail(Code::object_missing, cat(path, " is not there"))
                                                  : tl::unexpected(file.error());
  }
  struct stat status{};
  if (::fstat(file->get(), &status) != 0) {
    return fail_errno(Code::io_error, cat("look at ", path));
  }
  std::uint64_t position = 0;
  const VerityReader read = [&](std::span<char> buffer) -> Result<> {
    CFS_TRY(read_exactly(*file, position, buffer));
    position += buffer.size();
    if (progress != nullptr) {
      progress->add_part(buffer.size());
    }
    return {};
  };
  const Digest found =
      CFS_TRY_IN(compute_verity(read, static_cast<std::uint64_t>(status.st_size), digest.algorithm()), path);
  if (found != digest) {
    return fail(Code::object_damaged, cat(path, " hashes to ", found.text()));
  }
  return {};
}

std::vector<Error> check_objects(const StoreContents& contents, Progress& progress) {
  progress.expect(contents.size());
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::vector<std::pair<std::size_t, Error>> found;
  const auto work = [&] {
    for (std::size_t i = next++; i < contents.objects.size(); i = next++) {
      const StoreContents::Object& object = contents.objects[i];
      if (auto checked = check_object(contents.directory, object.path, object.digest, &progress); !checked) {
        const std::scoped_lock lock(mutex);
        found.emplace_back(i, std::move(checked.error()));
      }
      progress.add(0);
    }
  };
  {
    const std::array<std::jthread, 2> workers{std::jthread(work), std::jthread(work)};
  }
  std::ranges::sort(found, {}, &std::pair<std::size_t, Error>::first);
  std::vector<Error> problems;
  std::ranges::move(found | std::views::values, std::back_inserter(problems));
  return problems;
}

Result<StoreReport> check_store(const std::string& path, Progress& progress) {
  StoreReport report;
  const Fd directory = CFS_TRY(open_directory(path));
  const StoreLock lock = CFS_TRY_IN(StoreLock::wait(directory, StoreLock::Kind::shared), printable(path));
  const StoreContents contents = CFS_TRY(read_store(path, report.problems));
  std::ranges::move(check_objects(contents, progress), std::back_inserter(report.problems));
  StoreUse use(contents, path);
  Names(contents, use, report.problems).check();

  report.objects = contents.objects.size();
  report.bytes = contents.size().bytes;
  report.images = use.images().size();
  report.leftovers = contents.leftovers;
  for (std::size_t i = 0; i < contents.objects.size(); ++i) {
    if (!use.needed(i)) {
      report.orphans += 1;
      report.orphan_bytes += contents.objects[i].size;
    }
  }
  return report;
}

}  // namespace cfs
