// SPDX-License-Identifier: Apache-2.0
#include "cfs/stores/store_use.hpp"

#include <algorithm>
#include <variant>

#include "cfs/base/text.hpp"
#include "cfs/image/image_reader.hpp"
#include "cfs/image/tree_walk.hpp"
#include "cfs/store/layout.hpp"

namespace cfs {

const StoreContents::Object* StoreUse::use(std::string_view path) {
  const auto& objects = contents_.objects;
  const auto found = std::ranges::lower_bound(objects, path, {}, &StoreContents::Object::path);
  if (found == objects.end() || found->path != path) {
    return nullptr;
  }
  needed_[static_cast<std::size_t>(found - objects.begin())] = true;
  return &*found;
}

std::vector<Error> StoreUse::add_image(const Digest& digest) {
  if (!images_.insert(digest).second) {
    return {};
  }
  std::vector<Error> problems;
  const std::string object = store_layout::object_path(digest);
  if (use(object) == nullptr) {
    problems.emplace_back(Code::image_missing, cat("the image ", object, " is not there"));
    return problems;
  }
  const auto image = load_image(cat(path_, '/', object));
  if (!image) {
    problems.push_back(image.error());
    return problems;
  }
  const FileTree& tree = image->contents.tree;
  const auto visit = [&](const std::string& path, InodeId id) -> Result<> {
    const auto* file = std::get_if<ExternalFile>(&tree.inodes[id].content);
    const std::string contents = file == nullptr ? "" : file->path();
    if (contents.empty()) {
      return {};
    }
    const auto* found = use(cat(store_layout::objects, '/', contents));
    if (found == nullptr) {
      problems.emplace_back(Code::object_missing, cat(store_layout::objects, '/', printable(contents),
                                                      " is not there: it is the contents of ",
                                                      printable(path), " in the image ", digest.text()));
    } else if (found->size != file->size) {
      problems.emplace_back(Code::object_damaged,
                            cat(found->path, " has ", found->size, " bytes instead of ", file->size, ": ",
                                printable(path), " in the image ", digest.text()));
    }
    return {};
  };
  if (auto walked = walk_tree(tree, "/", 0, visit); !walked) {
    problems.push_back(std::move(walked.error()));
  }
  return problems;
}

}  // namespace cfs
