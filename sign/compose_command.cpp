#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "cfs/erofs_image.hpp"
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

}  // namespace

Result<> compose_command(const ComposeOptions& options) {
  std::unique_ptr<ObjectStore> store;
  if (!options.digest_only) {
    CFS_TRY(check_store_outside(options.store, options.root));
    store = CFS_TRY(ObjectStore::open_or_create(options.store));
  }
  Digest digest;
  {
    Progress progress("composing");
    FileTree tree = CFS_TRY(scan(options.root, {.store = store.get(), .progress = &progress}));
    const std::string image = CFS_TRY_IN(erofs_image(std::move(tree)), printable(options.root));
    digest = CFS_TRY(compute_verity(image));
    if (store != nullptr) {
      CFS_TRY_IN(store->add_image(digest, image), printable(options.store));
    }
  }
  const std::string line = cat(digest.text(), '\n');
  if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size() || std::fflush(stdout) != 0) {
    return fail_errno(Code::io_error, "print the digest");
  }
  return {};
}

}  // namespace cfs
