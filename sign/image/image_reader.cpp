// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/image_reader.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cfs/base/file.hpp"
#include "cfs/base/metacopy.hpp"
#include "cfs/base/text.hpp"
#include "cfs/image/erofs_reader.hpp"
#include "cfs/image/erofs_xattr.hpp"
#include "cfs/image/fsverity.hpp"
#include "cfs/image/overlay_tree.hpp"

namespace cfs {

namespace {

using namespace erofs;

// A directory whose entries are to be read. The path of an error is made from these.
struct Pending {
  InodeId id;
  std::uint64_t nid;
  std::size_t parent;  // index of its parent's; its own for the root
  std::string_view name;
};

bool is_object_directory(std::string_view name) {
  return name.size() == 2 && from_hex(name).has_value();
}

// Makes the tree of all that the root leads to.
class TreeReader {
 public:
  TreeReader(Reader& reader, FileTree& tree) : reader_(reader), tree_(tree) {}

  Result<> run();

 private:
  struct Reached {
    InodeId id;
    FileType type;
    std::uint32_t names;
    std::uint32_t links;  // as the image says
  };

  Result<> read_directory(std::size_t index);
  Result<> add_entry(Directory& children, const RawDirent& entry, std::size_t parent);
  Result<InodeId> add_inode(RawInode raw);
  Result<> read_content(RawInode& raw);
  Result<ExternalFile> external_file(RawInode& raw);
  [[nodiscard]] std::string path_of(std::size_t directory) const;

  Reader& reader_;
  FileTree& tree_;
  std::vector<Pending> directories_;
  std::unordered_map<std::uint64_t, Reached> reached_;  // by nid
};

std::string TreeReader::path_of(std::size_t directory) const {
  constexpr std::size_t shown_depth = 16;
  std::string path = directory == 0 ? "/" : "";
  for (std::size_t depth = 0; directory != 0; ++depth, directory = directories_[directory].parent) {
    if (depth == shown_depth) {
      return cat("...", path);
    }
    path.insert(0, cat('/', printable(directories_[directory].name)));
  }
  return path;
}

const Xattr* remove_xattr(Inode& inode, std::string_view name) {
  const auto found = std::ranges::find(inode.xattrs, name, &Xattr::name);
  const Xattr* xattr = found == inode.xattrs.end() ? nullptr : *found;
  if (xattr != nullptr) {
    inode.xattrs.erase(found);
  }
  return xattr;
}

// Where the contents of a file lie: the way back from what InodeXattrs adds.
Result<ExternalFile> TreeReader::external_file(RawInode& raw) {
  CFS_TRY(reader_.check_chunks(raw));
  const Xattr* metacopy = remove_xattr(raw.inode, metacopy_name);
  const Xattr* redirect = remove_xattr(raw.inode, redirect_name);
  if (metacopy == nullptr || (redirect != nullptr && !redirect->value.starts_with('/'))) {
    return malformed("it does not say where its contents lie");
  }
  ExternalFile file;
  file.size = raw.size;
  const bool has_digest = !metacopy->value.empty();
  if (has_digest) {
    const auto digest = parse_metacopy(metacopy->value);
    if (!digest) {
      return malformed("its digest is invalid");
    }
    file.digest = *digest;
  }
  std::string path = redirect == nullptr ? std::string() : redirect->value.substr(1);
  if (redirect != nullptr && (path.empty() || path.find('\0') != std::string::npos)) {
    return malformed("it does not say where its contents lie");
  }
  if (!has_digest || path != file.digest.object_path()) {
    file.backing = tree_.intern({std::move(path), has_digest});
  }
  return file;
}

Result<> TreeReader::read_content(RawInode& raw) {
  Inode& inode = raw.inode;
  if (inode.is(S_IFREG) && raw.layout == Layout::chunk_based) {
    inode.content = CFS_TRY(external_file(raw));
  } else if (inode.is(S_IFREG) || inode.is(S_IFLNK)) {
    if (inode.is(S_IFLNK) && (raw.size == 0 || raw.size > link_target_max)) {
      return malformed(cat("its target is empty or longer than ", link_target_max, " bytes"));
    }
    const auto data = CFS_TRY(reader_.data(raw));
    if (raw.size != 0) {
      inode.content = cat(data[0], data[1]);
    }
    if (inode.is(S_IFLNK) && std::get<std::string>(inode.content).find('\0') != std::string::npos) {
      return malformed("there is a NUL in its target");
    }
  }
  return {};
}

Result<InodeId> TreeReader::add_inode(RawInode raw) {
  raw.inode.xattrs = CFS_TRY(reader_.xattrs(raw));
  CFS_TRY(read_content(raw));
  const auto id = static_cast<InodeId>(tree_.inodes.size());
  tree_.inodes.push_back(std::move(raw.inode));
  return id;
}

Result<> TreeReader::add_entry(Directory& children, const RawDirent& entry, std::size_t parent) {
  const auto found = reached_.find(entry.nid);
  if (found != reached_.end()) {
    Reached& reached = found->second;
    if (reached.type == FileType::directory || reached.type != entry.type) {
      return malformed("a directory with two names, or a file of two types");
    }
    reached.names += 1;
    children.push_back({std::string(entry.name), reached.id});
    return {};
  }
  RawInode raw = CFS_TRY(reader_.inode(entry.nid));
  if (file_type(raw.inode.mode) != entry.type) {
    return malformed("its directory says that it is of another type");
  }
  if (parent == 0 && reader_.format() < 2 && raw.inode.is_whiteout() && is_object_directory(entry.name)) {
    return {};  // it hides a directory of objects, and is nothing that people see
  }
  const std::uint32_t links = raw.links;
  const InodeId id = CFS_TRY(add_inode(std::move(raw)));
  reached_.emplace(entry.nid, Reached{id, entry.type, 1, links});
  children.push_back({std::string(entry.name), id});
  if (entry.type == FileType::directory) {
    directories_.push_back({id, entry.nid, parent, entry.name});
  }
  return {};
}

Result<> TreeReader::read_directory(std::size_t index) {
  const Pending directory = directories_[index];
  const RawInode raw = CFS_TRY(reader_.inode(directory.nid));
  const auto entries = CFS_TRY_IN(reader_.dirents(raw), path_of(index));
  Directory children;
  children.reserve(entries.size());
  unsigned dots = 0;
  for (const RawDirent& entry : entries) {
    if (entry.name == "." || entry.name == "..") {
      const std::uint64_t expected = entry.name == "." ? directory.nid : directories_[directory.parent].nid;
      if (entry.nid != expected || entry.type != FileType::directory) {
        return malformed(cat(path_of(index), ": its \".\" or \"..\" leads to another place"));
      }
      dots += 1;
    } else {
      CFS_TRY_IN(add_entry(children, entry, index),
                 cat(index == 0 ? "" : path_of(index), '/', printable(entry.name)));
    }
  }
  if (dots != 2) {
    return malformed(cat(path_of(index), ": it has no \".\" or \"..\""));
  }
  tree_.inodes[directory.id].content = std::move(children);
  return {};
}

Result<> TreeReader::run() {
  const std::uint64_t root_nid = reader_.root_nid();
  RawInode root = CFS_TRY_IN(reader_.inode(root_nid), "the root");
  if (!root.inode.is(S_IFDIR)) {
    return malformed("the root is not a directory");
  }
  const InodeId root_id = CFS_TRY_IN(add_inode(std::move(root)), "the root");
  directories_.push_back({root_id, root_nid, 0, {}});
  reached_.emplace(root_nid, Reached{root_id, FileType::directory, 1, 0});
  for (std::size_t next = 0; next < directories_.size(); ++next) {
    CFS_TRY(read_directory(next));
  }
  for (const auto& [nid, reached] : reached_) {
    if (reached.type != FileType::directory && reached.links != reached.names) {
      tree_.inodes[reached.id].links = reached.links;
    }
  }
  return undo_overlay_tree(tree_, reader_.format());
}

HashAlgorithm hash_of(const FileTree& tree) {
  for (const Inode& inode : tree.inodes) {
    if (const auto* file = std::get_if<ExternalFile>(&inode.content); file != nullptr && file->has_digest()) {
      return file->digest.algorithm();
    }
  }
  return HashAlgorithm::sha256;
}

}  // namespace

Result<ImageContents> read_image(std::string_view image) {
  ImageContents contents;
  Reader reader = CFS_TRY(Reader::open(image, contents.tree));
  contents.format = reader.format();
  CFS_TRY(TreeReader(reader, contents.tree).run());
  return contents;
}

Result<ImageFile> load_image(const std::string& path) {
  const std::string image = CFS_TRY(read_file(path, image_max_bytes));
  ImageFile file;
  file.contents = CFS_TRY_IN(read_image(image), printable(path));
  file.digest = CFS_TRY(compute_verity(image, hash_of(file.contents.tree)));
  file.size = image.size();
  return file;
}

}  // namespace cfs
