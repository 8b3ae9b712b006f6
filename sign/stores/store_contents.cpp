// SPDX-License-Identifier: Apache-2.0
#include "cfs/stores/store_contents.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/store/layout.hpp"
#include "cfs/store/store.hpp"
#include "cfs/tool/uuid.hpp"
#include "cfs/trust/manifest.hpp"
#include "cfs/trust/signature.hpp"

namespace cfs {

namespace {

tl::unexpected<Error> foreign(std::string_view path) {
  return fail(Code::store_malformed, cat(printable(path), " is not part of a store"), "move it elsewhere");
}

std::optional<Digest> parse_digest(std::string_view hex) {
  const auto bytes = from_hex(hex);
  if (!bytes) {
    return std::nullopt;
  }
  const auto algorithm = bytes->size() == 64 ? HashAlgorithm::sha512 : HashAlgorithm::sha256;
  const auto digest = Digest::from_bytes(algorithm, *bytes);
  return digest ? std::optional(*digest) : std::nullopt;
}

// Lists a store. What does not belong there ends the listing, or is noted and passed over.
class Lister {
 public:
  explicit Lister(std::vector<Error>* problems) : problems_(problems) {}

  Result<StoreContents> run(const std::string& path);

 private:
  using Read = Result<> (Lister::*)(const std::string& path, const std::string& name);

  // Calls `read` for every name in `directory`.
  Result<> read_each(const std::string& directory, Read read);
  Result<> read_part(const std::string& path, const std::string& name);
  Result<> read_prefix(const std::string& path, const std::string& name);
  Result<> read_object(const std::string& path, const std::string& name);
  Result<> read_image(const std::string& path, const std::string& name);
  Result<> read_manifest(const std::string& path, const std::string& name);
  Result<> read_slot(const std::string& path, const std::string& name);
  Result<> read_profile(const std::string& path, const std::string& name);

  StoreContents store_;
  std::vector<Error>* problems_;
};

Result<> Lister::read_each(const std::string& directory, Read read) {
  const Fd listed = CFS_TRY(open_directory_beneath(store_.directory, directory));
  for (const std::string& name : CFS_TRY_IN(list_directory(listed), directory)) {
    const std::string path = directory == "." ? name : cat(directory, '/', name);
    if (name.starts_with('.')) {
      store_.leftovers.push_back(path);
      continue;
    }
    Result<> outcome = (this->*read)(path, name);
    if (!outcome && problems_ != nullptr) {
      problems_->push_back(std::move(outcome.error()));
    } else {
      CFS_TRY(std::move(outcome));
    }
  }
  return {};
}

Result<> Lister::read_part(const std::string& path, const std::string& name) {
  constexpr std::array parts{std::pair(store_layout::images, &Lister::read_image),
                             std::pair(store_layout::manifests, &Lister::read_manifest),
                             std::pair(store_layout::objects, &Lister::read_prefix),
                             std::pair(store_layout::profiles, &Lister::read_profile),
                             std::pair(store_layout::slots, &Lister::read_slot)};
  for (const auto& [part, read] : parts) {
    if (name == part) {
      return read_each(path, read);
    }
  }
  return foreign(path);
}

Result<> Lister::read_prefix(const std::string& path, const std::string& name) {
  return name.size() == 2 && from_hex(name) ? read_each(path, &Lister::read_object) : foreign(path);
}

Result<> Lister::read_object(const std::string& path, const std::string& name) {
  const auto digest = parse_digest(path.substr(path.size() - name.size() - 3, 2) + name);
  if (!digest) {
    return foreign(path);
  }
  struct stat status{};
  if (::fstatat(store_.directory.get(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return fail_errno(Code::io_error, cat("look at ", path));
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(Code::path_refused, cat(path, " is not a regular file"));
  }
  store_.objects.push_back({path, *digest, static_cast<std::uint64_t>(status.st_size)});
  return {};
}

Result<> Lister::read_image(const std::string& path, const std::string& name) {
  const auto digest = parse_digest(name);
  if (!digest) {
    return foreign(path);
  }
  const std::string expected = store_layout::image_link(*digest);
  if (CFS_TRY(read_link(store_.directory, path)) != expected) {
    return fail(Code::path_refused, cat("the link ", path, " does not lead to ", expected));
  }
  store_.links.push_back({path, expected, *digest});
  return {};
}

Result<> Lister::read_manifest(const std::string& path, const std::string& name) {
  auto manifest = store_layout::parse_manifest_file(name);
  const bool signatures = !manifest;
  if (signatures) {
    manifest = store_layout::parse_signature_file(name);
  }
  if (!manifest) {
    return foreign(path);
  }
  const Fd file = CFS_TRY(open_file_beneath(store_.directory, path));
  const auto limit = signatures ? signature_file_max_bytes : manifest_max_bytes;
  std::string bytes = CFS_TRY_IN(read_all(file, limit), path);
  store_.manifests.push_back({path, std::move(bytes), *std::move(manifest), signatures});
  return {};
}

Result<> Lister::read_slot(const std::string& path, const std::string& name) {
  if (!is_slot_name(name)) {
    return foreign(path);
  }
  const std::string target = CFS_TRY(read_link(store_.directory, path)).value_or("");
  auto manifest = store_layout::parse_slot_link(target);
  if (!manifest) {
    return fail(Code::path_refused, cat("the link ", path, " leads to ", printable(target), " instead of ",
                                        store_layout::slot_link("NAME")));
  }
  store_.links.push_back({path, target, *std::move(manifest)});
  return {};
}

Result<> Lister::read_profile(const std::string& path, const std::string& name) {
  const auto digest = parse_digest(name);
  if (!digest) {
    return foreign(path);
  }
  const Fd file = CFS_TRY(open_file_beneath(store_.directory, path));
  BootProfile profile =
      CFS_TRY_IN(parse_boot_profile(CFS_TRY_IN(read_all(file, boot_profile_max_bytes), path)), path);
  if (profile.image != *digest) {
    return fail(Code::profile_malformed,
                cat(path, " is the profile of another image, ", profile.image.text()));
  }
  store_.profiles.push_back(std::move(profile));
  return {};
}

Result<StoreContents> Lister::run(const std::string& path) {
  store_.directory = CFS_TRY(open_directory(path));
  if (auto objects = open_directory_beneath(store_.directory, store_layout::objects); !objects) {
    return objects.error().code() == Code::not_found
               ? fail(Code::store_malformed, "it has no directory objects")
               : tl::unexpected(std::move(objects.error()));
  }
  CFS_TRY(read_each(".", &Lister::read_part));
  return std::move(store_);
}

}  // namespace

Work StoreContents::size() const {
  Work all{objects.size(), 0};
  for (const Object& object : objects) {
    all.bytes += object.size;
  }
  return all;
}

Result<std::string> StoreContents::identity() const {
  std::string text;
  for (const Object& object : objects) {
    text += cat(object.path, '\n');
  }
  for (const File& file : manifests) {
    text += cat(file.path, ' ', file.bytes.size(), '\n', file.bytes, '\n');
  }
  for (const Link& link : links) {
    text += cat(link.path, ' ', link.target, '\n');
  }
  for (const BootProfile& profile : profiles) {
    text += format_boot_profile(profile);
  }
  return sha256(text);
}

Result<StoreContents> read_store(const std::string& path) {
  return CFS_TRY_IN(Lister(nullptr).run(path), cat("the store ", printable(path)));
}

Result<StoreContents> read_store(const std::string& path, std::vector<Error>& problems) {
  return CFS_TRY_IN(Lister(&problems).run(path), cat("the store ", printable(path)));
}

}  // namespace cfs
