#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>
#include <variant>

#include "cfs/dump.hpp"
#include "cfs/erofs_image.hpp"
#include "cfs/file.hpp"
#include "cfs/fsverity.hpp"
#include "cfs/object_store.hpp"
#include "cfs/progress.hpp"
#include "cfs/scan.hpp"
#include "cfs/text.hpp"
#include "commands.hpp"

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
    return scan(options.root, {.store = store, .progress = &progress});
  }
  FileTree tree = CFS_TRY(load_dump(options.dump));
  if (store != nullptr) {
    CFS_TRY(check_objects(tree, options.store));
  }
  return tree;
}

}  // namespace

Result<> compose_command(const ComposeOptions& options) {
  std::unique_ptr<ObjectStore> store;
  if (!options.digest_only) {
    if (options.dump.empty()) {
      CFS_TRY(check_store_outside(options.store, options.root));
    }
    store = CFS_TRY(ObjectStore::open_or_create(options.store));
  }
  const std::string source = printable(options.dump.empty() ? options.root : options.dump);
  FileTree tree = CFS_TRY(read_tree(options, store.get()));
  const std::string image = CFS_TRY_IN(erofs_image(std::move(tree), options.format), source);
  const Digest digest = CFS_TRY(compute_verity(image));
  if (store != nullptr) {
    CFS_TRY_IN(store->add_image(digest, image), printable(options.store));
  }
  const std::string line = cat(digest.text(), '\n');
  if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size() || std::fflush(stdout) != 0) {
    return fail_errno(Code::io_error, "print the digest");
  }
  return {};
}

}  // namespace cfs
