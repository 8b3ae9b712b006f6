#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <utility>
#include <variant>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/boot/report.hpp"
#include "cfs/image/erofs_image.hpp"
#include "cfs/image/fsverity.hpp"
#include "cfs/input/dump_parser.hpp"
#include "cfs/input/filter.hpp"
#include "cfs/input/input.hpp"
#include "cfs/stores/store_writer.hpp"
#include "cfs/tool/progress.hpp"
#include "command/commands.hpp"
#include "command/print.hpp"

namespace cfs {

namespace {

// A store below the root would become part of its own image.
Result<> check_store_outside(const std::string& store, const std::string& root) {
  std::error_code error;
  const auto inside = std::filesystem::weakly_canonical(store, error);
  const auto outside = std::filesystem::weakly_canonical(root, error);
  if (!error &&
      std::mismatch(outside.begin(), outside.end(), inside.begin(), inside.end()).first == outside.end()) {
    return fail(Code::usage,
                cat("the store ", printable(store), " lies in the root directory ", printable(root)));
  }
  return {};
}

// A dump brings no contents: an image is put only beside objects that are there.
Result<> check_objects(const FileTree& tree, const std::string& store) {
  const Fd objects = CFS_TRY(open_directory(cat(store, "/objects")));
  for (const Inode& inode : tree.inodes) {
    const auto* file = std::get_if<ExternalFile>(&inode.content);
    if (file == nullptr || file->path().empty()) {
      continue;
    }
    if (const std::string path = file->path(); ::faccessat(objects.get(), path.c_str(), F_OK, 0) != 0) {
      return fail(Code::not_found,
                  cat("the object ", printable(path), " of the dump is not in the store ", printable(store)));
    }
  }
  return {};
}

Result<FileTree> read_tree(const ComposeOptions& options, ObjectStore* store) {
  if (options.dump.empty()) {
    Progress progress("composing");
    const Exclusions exclude(options.exclude);
    return read_input(
        options.root, options.platform,
        {.store = store, .progress = &progress, .threads = 0, .exclude = &exclude, .hash = options.hash});
  }
  if (!options.exclude.empty() || !options.platform.empty()) {
    return fail(Code::usage, "--exclude and --platform are not for dumps");
  }
  FileTree tree = CFS_TRY(load_dump(options.dump));
  if (store != nullptr) {
    CFS_TRY(check_objects(tree, options.store));
  }
  return tree;
}

// --mtime, else SOURCE_DATE_EPOCH (reproducible-builds.org): what is later is clamped.
Result<std::optional<std::int64_t>> latest_time(const ComposeOptions& options) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing changes the environment
  const char* const text = std::getenv("SOURCE_DATE_EPOCH");
  if (options.mtime || text == nullptr) {
    return options.mtime;
  }
  const auto seconds = parse_decimal<std::uint32_t>(text);
  if (!seconds) {
    return fail(Code::usage, cat("SOURCE_DATE_EPOCH is \"", printable(text), "\", not seconds since 1970"));
  }
  return *seconds;
}

std::string json(const Digest& digest, std::size_t files, std::size_t image_bytes, const ObjectStore* store) {
  std::string out =
      cat("{\"digest\":", json_quote(digest.text()), ",\"files\":", files, ",\"image-bytes\":", image_bytes);
  if (store != nullptr) {
    const Work added = store->added();
    out += cat(",\"objects-added\":", added.files, ",\"bytes-added\":", added.bytes);
  }
  return out + "}\n";
}

}  // namespace

Result<> compose_command(const ComposeOptions& options) {
  FilterOptions filters;
  filters.owner_root = options.owner_root;
  filters.mtime_max = CFS_TRY(latest_time(options));
  filters.selinux = options.selinux;
  std::unique_ptr<ObjectStore> store;
  if (!options.digest_only) {
    if (options.dump.empty()) {
      CFS_TRY(check_store_outside(options.store, options.root));
    }
    store = CFS_TRY(ObjectStore::open_or_create(options.store));
  }
  const std::string source = printable(options.dump.empty() ? options.root : options.dump);
  FileTree tree = CFS_TRY(read_tree(options, store.get()));
  CFS_TRY_IN(filter(tree, filters), source);
  const std::size_t files = tree.inodes.size();
  const std::string image = CFS_TRY_IN(erofs_image(std::move(tree), options.format), source);
  const Digest digest = CFS_TRY(compute_verity(image, options.hash));
  if (store != nullptr) {
    CFS_TRY_IN(store->add_image(digest, image), printable(options.store));
  }
  return print(options.json ? json(digest, files, image.size(), store.get()) : cat(digest.text(), '\n'));
}

}  // namespace cfs
