// SPDX-License-Identifier: Apache-2.0
#include "cfs/store/store.hpp"

#include <algorithm>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/store/boot_profile.hpp"
#include "cfs/trust/manifest.hpp"
#include "cfs/trust/signature.hpp"

namespace cfs {

namespace {

constexpr std::string_view link_prefix = "../manifests/";
constexpr std::string_view link_suffix = ".toml";

// The same result, where an error of code `from` becomes one of code `to`.
template <class T>
Result<T> recode(Result<T> result, Code from, Code to) {
  if (!result && result.error().code() == from) {
    return fail(to, result.error().what());
  }
  return result;
}

// A directory that every store has.
Result<Fd> open_part(const Fd& directory, const std::string& name) {
  auto part = recode(open_directory_beneath(directory, name), Code::not_found, Code::store_malformed);
  return recode(std::move(part), Code::path_refused, Code::store_malformed);
}

Result<std::string> read_beneath(const Fd& directory, const std::string& path, std::size_t limit,
                                 Code missing) {
  const Fd file = CFS_TRY(recode(open_file_beneath(directory, path), Code::not_found, missing));
  return CFS_TRY_IN(read_all(file, limit), path);
}

}  // namespace

bool is_slot_name(std::string_view text) noexcept {
  return std::find(slot_names.begin(), slot_names.end(), text) != slot_names.end();
}

Result<Store> Store::open(const std::string& path) {
  return Store(CFS_TRY(open_directory(path)));
}

Result<Store> Store::open_on(const Fd& file_system_root) {
  return Store(CFS_TRY(open_part(file_system_root, "composefs")));
}

Result<Fd> Store::objects() const {
  return open_part(directory_, "objects");
}

Result<Fd> Store::object(const Digest& digest) const {
  return recode(open_file_beneath(directory_, cat("objects/", digest.object_path())), Code::not_found,
                Code::image_missing);
}

Result<Fd> Store::profile(const Digest& image) const {
  return open_file_beneath(directory_, boot_profile_path(image));
}

Result<std::optional<std::string>> Store::slot(std::string_view slot_name) const {
  const auto slots = open_directory_beneath(directory_, "slots");
  if (!slots) {
    if (slots.error().code() == Code::not_found) {
      return std::nullopt;
    }
    return tl::unexpected<Error>(slots.error());
  }
  const auto target = CFS_TRY_IN(read_link(*slots, std::string(slot_name)), "slots");
  if (!target) {
    return std::nullopt;
  }
  std::string_view name = *target;
  if (name.starts_with(link_prefix) && name.ends_with(link_suffix) &&
      name.size() > link_prefix.size() + link_suffix.size()) {
    name.remove_prefix(link_prefix.size());
    name.remove_suffix(link_suffix.size());
    if (is_manifest_name(name)) {
      return std::string(name);
    }
  }
  return fail(Code::path_refused, cat("the slot ", slot_name, " leads to \"", printable(*target),
                                      "\", where only ../manifests/NAME.toml may be"));
}

Result<Store::ManifestFiles> Store::manifest(std::string_view name) const {
  if (!is_manifest_name(name)) {
    return fail(Code::path_refused, cat("\"", printable(name), "\" is not a manifest's name"));
  }
  const std::string path = cat("manifests/", name, ".toml");
  ManifestFiles files;
  files.bytes = CFS_TRY(read_beneath(directory_, path, manifest_max_bytes, Code::manifest_missing));
  files.signatures =
      CFS_TRY(read_beneath(directory_, path + ".sig", signature_file_max_bytes, Code::signature_missing));
  return files;
}

}  // namespace cfs
