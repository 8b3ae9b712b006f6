// SPDX-License-Identifier: Apache-2.0
#include "cfs/store/store.hpp"

#include <algorithm>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/store/boot_profile.hpp"
#include "cfs/store/layout.hpp"
#include "cfs/trust/manifest.hpp"
#include "cfs/trust/signature.hpp"

namespace cfs {

namespace {

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
  Store store(CFS_TRY(open_directory(path)));
  if (const auto objects = store.objects(); !objects) {
    return fail(objects.error().code(), cat(printable(path), " has no directory objects"));
  }
  return store;
}

Result<Store> Store::open_on(const Fd& file_system_root) {
  return Store(CFS_TRY(open_part(file_system_root, store_layout::directory)));
}

Result<Fd> Store::objects() const {
  return open_part(directory_, store_layout::objects);
}

Result<Fd> Store::object(const Digest& digest) const {
  return recode(open_file_beneath(directory_, store_layout::object_path(digest)), Code::not_found,
                Code::image_missing);
}

Result<Fd> Store::profile(const Digest& image) const {
  return open_file_beneath(directory_, store_layout::profile_path(image));
}

Result<std::optional<std::string>> Store::slot(std::string_view slot_name) const {
  const auto slots = open_directory_beneath(directory_, store_layout::slots);
  if (!slots) {
    if (slots.error().code() == Code::not_found) {
      return std::nullopt;
    }
    return tl::unexpected<Error>(slots.error());
  }
  const auto target = CFS_TRY_IN(read_link(*slots, std::string(slot_name)), store_layout::slots);
  if (!target) {
    return std::nullopt;
  }
  if (auto name = store_layout::parse_slot_link(*target)) {
    return name;
  }
  return fail(Code::path_refused, cat("the slot ", slot_name, " leads to \"", printable(*target),
                                      "\", where only ", store_layout::slot_link("NAME"), " may be"));
}

Result<Store::ManifestFiles> Store::manifest(std::string_view name) const {
  if (!is_manifest_name(name)) {
    return fail(Code::path_refused, cat("\"", printable(name), "\" is not a manifest's name"));
  }
  ManifestFiles files;
  files.bytes = CFS_TRY(read_beneath(directory_, store_layout::manifest_path(name), manifest_max_bytes,
                                     Code::manifest_missing));
  files.signatures = CFS_TRY(read_beneath(directory_, store_layout::signature_path(name),
                                          signature_file_max_bytes, Code::signature_missing));
  return files;
}

}  // namespace cfs
