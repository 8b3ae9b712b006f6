#include "cfs/store_contents.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <memory>

#include "cfs/file.hpp"
#include "cfs/manifest.hpp"
#include "cfs/signature.hpp"
#include "cfs/store.hpp"
#include "cfs/text.hpp"
#include "cfs/uuid.hpp"

namespace cfs {

namespace {

struct CloseDirectory {
  void operator()(DIR* stream) const { ::closedir(stream); }
};

// The names in `path` below `store`, sorted, without hidden ones.
Result<std::vector<std::string>> list(const Fd& store, const std::string& path) {
  const Fd found = CFS_TRY(open_directory_beneath(store, path));
  Fd directory(::openat(found.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, CloseDirectory> stream(directory ? ::fdopendir(directory.get()) : nullptr);
  if (!stream) {
    return fail_errno(Code::io_error, cat("list ", path));
  }
  static_cast<void>(directory.release());  // the stream's now
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    // The stream is this function's own. NOLINTNEXTLINE(concurrency-mt-unsafe)
    const dirent* const entry = ::readdir(stream.get());
    if (entry == nullptr) {
      break;
    }
    if (entry->d_name[0] != '.') {
      names.emplace_back(entry->d_name);
    }
  }
  if (errno != 0) {
    return fail_errno(Code::io_error, cat("list ", path));
  }
  std::ranges::sort(names);
  return names;
}

// The same, where the directory may be missing.
Result<std::vector<std::string>> list_if_there(const Fd& store, const std::string& path) {
  auto names = list(store, path);
  if (!names && names.error().code() == Code::not_found) {
    return std::vector<std::string>();
  }
  return names;
}

tl::unexpected<Error> foreign(std::string_view path) {
  return fail(Code::store_malformed, cat(printable(path), " is not part of a store"));
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

Result<> read_objects(StoreContents& store) {
  for (const std::string& prefix : CFS_TRY(list(store.directory, "objects"))) {
    const std::string directory = cat("objects/", prefix);
    if (prefix.size() != 2 || !from_hex(prefix)) {
      return foreign(directory);
    }
    for (const std::string& rest : CFS_TRY(list(store.directory, directory))) {
      StoreContents::Object object;
      object.path = cat(directory, '/', rest);
      const auto digest = parse_digest(prefix + rest);
      if (!digest) {
        return foreign(object.path);
      }
      object.digest = *digest;
      struct stat status{};
      if (::fstatat(store.directory.get(), object.path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return fail_errno(Code::io_error, cat("look at ", object.path));
      }
      if (!S_ISREG(status.st_mode)) {
        return fail(Code::path_refused, cat(object.path, " is not a regular file"));
      }
      object.size = static_cast<std::uint64_t>(status.st_size);
      store.objects.push_back(std::move(object));
    }
  }
  return {};
}

Result<> read_images(StoreContents& store) {
  for (const std::string& name : CFS_TRY(list_if_there(store.directory, "images"))) {
    const std::string path = cat("images/", name);
    const auto digest = parse_digest(name);
    if (!digest) {
      return foreign(path);
    }
    const std::string expected = cat("../objects/", digest->object_path());
    if (CFS_TRY(read_link(store.directory, path)) != expected) {
      return fail(Code::path_refused, cat("the link ", path, " does not lead to ", expected));
    }
    store.links.push_back({path, expected});
  }
  return {};
}

Result<> read_manifests(StoreContents& store) {
  constexpr std::string_view suffix = ".toml";
  constexpr std::string_view signature_suffix = ".toml.sig";
  for (const std::string& name : CFS_TRY(list_if_there(store.directory, "manifests"))) {
    const std::string path = cat("manifests/", name);
    const bool signature = name.ends_with(signature_suffix);
    if (!signature && !name.ends_with(suffix)) {
      return foreign(path);
    }
    const auto stem = name.size() - (signature ? signature_suffix : suffix).size();
    if (!is_manifest_name(std::string_view(name).substr(0, stem))) {
      return foreign(path);
    }
    const Fd file = CFS_TRY(open_file_beneath(store.directory, path));
    const auto limit = signature ? signature_file_max_bytes : manifest_max_bytes;
    std::string bytes = CFS_TRY_IN(read_all(file, limit), path);
    store.manifests.push_back({path, std::move(bytes)});
  }
  return {};
}

Result<> read_slots(StoreContents& store) {
  constexpr std::string_view prefix = "../manifests/";
  constexpr std::string_view suffix = ".toml";
  for (const std::string& name : CFS_TRY(list_if_there(store.directory, "slots"))) {
    const std::string path = cat("slots/", name);
    if (!is_slot_name(name)) {
      return foreign(path);
    }
    const std::string target = CFS_TRY(read_link(store.directory, path)).value_or("");
    std::string_view manifest = target;
    const bool shaped = manifest.starts_with(prefix) && manifest.ends_with(suffix) &&
                        manifest.size() > prefix.size() + suffix.size();
    if (shaped) {
      manifest.remove_prefix(prefix.size());
      manifest.remove_suffix(suffix.size());
    }
    if (!shaped || !is_manifest_name(manifest)) {
      return fail(Code::path_refused, cat("the link ", path, " leads to ", printable(target),
                                          " instead of ../manifests/NAME.toml"));
    }
    store.links.push_back({path, target});
  }
  return {};
}

Result<StoreContents> read(const std::string& path) {
  constexpr std::array<std::string_view, 4> parts{"images", "manifests", "objects", "slots"};
  StoreContents store;
  store.directory = CFS_TRY(open_directory(path));
  for (const std::string& name : CFS_TRY(list(store.directory, "."))) {
    if (std::ranges::find(parts, name) == parts.end()) {
      return foreign(name);
    }
  }
  auto objects = read_objects(store);
  if (!objects && objects.error().code() == Code::not_found) {
    return fail(Code::store_malformed, "it holds no objects directory");
  }
  CFS_TRY(std::move(objects));
  CFS_TRY(read_images(store));
  CFS_TRY(read_manifests(store));
  CFS_TRY(read_slots(store));
  return store;
}

}  // namespace

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
  return sha256(text);
}

Result<StoreContents> read_store(const std::string& path) {
  return CFS_TRY_IN(read(path), cat("the store ", printable(path)));
}

}  // namespace cfs
