// SPDX-License-Identifier: Apache-2.0
#include "cfs/stores/store_gc.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/store/layout.hpp"
#include "cfs/stores/store_contents.hpp"
#include "cfs/stores/store_lock.hpp"
#include "cfs/stores/store_use.hpp"
#include "cfs/trust/manifest.hpp"

namespace cfs {

namespace {

// The names of the manifests to keep.
Result<std::set<std::string>> kept_manifests(const StoreContents& contents,
                                             const std::vector<std::string>& keep) {
  std::set<std::string> kept;
  for (const StoreContents::Link& link : contents.links) {
    if (const auto* const manifest = std::get_if<std::string>(&link.leads_to)) {
      kept.insert(*manifest);
    }
  }
  for (const std::string& name : keep) {
    if (!is_manifest_name(name)) {
      return fail(Code::usage, cat("--keep \"", printable(name), "\" is not a manifest's name"));
    }
    kept.insert(name);
  }
  if (kept.empty()) {
    return fail(Code::usage,
                "no slot holds a manifest and --keep names none, so that everything would be removed");
  }
  return kept;
}

Result<> mark(const StoreContents& contents, const std::set<std::string>& manifests, StoreUse& use) {
  for (const std::string& name : manifests) {
    const std::string path = store_layout::manifest_path(name);
    const auto file = std::ranges::find(contents.manifests, path, &StoreContents::File::path);
    if (file == contents.manifests.end()) {
      return fail(Code::manifest_missing, cat(path, " is not there"));
    }
    const Manifest manifest = CFS_TRY_IN(parse_manifest(file->bytes), path);
    if (auto problems = use.add_image(manifest.digest); !problems.empty()) {
      return tl::unexpected(std::move(problems.front()).within(path));
    }
  }
  return {};
}

// What goes before objects do: all that names them. Adds up the sizes.
std::vector<std::string> unneeded_names(const StoreContents& contents, const std::set<std::string>& manifests,
                                        const StoreUse& use, std::uint64_t& bytes) {
  std::vector<std::string> paths;
  for (const StoreContents::File& file : contents.manifests) {
    if (!manifests.contains(file.manifest)) {
      paths.push_back(file.path);
      bytes += file.bytes.size();
    }
  }
  for (const StoreContents::Link& link : contents.links) {
    if (const auto* const digest = std::get_if<Digest>(&link.leads_to);
        digest != nullptr && !use.images().contains(*digest)) {
      paths.push_back(link.path);
    }
  }
  for (const BootProfile& profile : contents.profiles) {
    if (!use.images().contains(profile.image)) {
      paths.push_back(store_layout::profile_path(profile.image));
      bytes += format_boot_profile(profile).size();
    }
  }
  for (const std::string& path : contents.leftovers) {
    if (path.find('/') != std::string::npos) {  // what is hidden beside objects/ is not a writer's
      paths.push_back(path);
    }
  }
  return paths;
}

Result<> remove(const Fd& store, const std::string& path) {
  // A directory stays: no writer makes hidden ones.
  if (::unlinkat(store.get(), path.c_str(), 0) != 0 && errno != ENOENT && errno != EISDIR) {
    return fail_errno(Code::io_error, cat("remove ", path));
  }
  return {};
}

// Removes `paths`, of which the first `names` name the others.
Result<> remove_all(const Fd& store, const std::vector<std::string>& paths, std::size_t names) {
  std::string prefix;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    // Past a power cut too, no name may be there without its objects.
    if (i == names && names > 0 && ::syncfs(store.get()) != 0) {
      return fail_errno(Code::io_error, "flush the store to its device");
    }
    CFS_TRY(remove(store, paths[i]));
    if (i >= names && !paths[i].starts_with(prefix + '/')) {
      ::unlinkat(store.get(), prefix.c_str(), AT_REMOVEDIR);  // if it is empty now
      prefix = paths[i].substr(0, paths[i].rfind('/'));
    }
  }
  ::unlinkat(store.get(), prefix.c_str(), AT_REMOVEDIR);
  return {};
}

Result<Garbage> collect(const std::string& path, const GarbageOptions& options) {
  const bool removes = options.action == GarbageOptions::Action::remove;
  const Fd directory = CFS_TRY(open_directory(path));
  const StoreLock lock =
      CFS_TRY(StoreLock::wait(directory, removes ? StoreLock::Kind::exclusive : StoreLock::Kind::shared));
  const StoreContents contents = CFS_TRY(read_store(path));
  const std::set<std::string> manifests = CFS_TRY(kept_manifests(contents, options.keep));
  StoreUse use(contents, path);
  CFS_TRY(mark(contents, manifests, use));

  Garbage garbage;
  garbage.paths = unneeded_names(contents, manifests, use, garbage.bytes);
  const std::size_t names = garbage.paths.size();
  for (std::size_t i = 0; i < contents.objects.size(); ++i) {
    if (use.needed(i)) {
      garbage.objects_kept += 1;
    } else {
      garbage.objects += 1;
      garbage.paths.push_back(contents.objects[i].path);
      garbage.bytes += contents.objects[i].size;
    }
  }
  if (removes) {
    CFS_TRY(remove_all(directory, garbage.paths, names));
  }
  return garbage;
}

}  // namespace

Result<Garbage> collect_garbage(const std::string& path, const GarbageOptions& options) {
  return CFS_TRY_IN(collect(path, options), printable(path));
}

}  // namespace cfs
