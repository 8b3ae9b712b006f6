#include "cfs/image_reader.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cfs/erofs_format.hpp"
#include "cfs/erofs_xattr.hpp"
#include "cfs/file.hpp"
#include "cfs/fsverity.hpp"
#include "cfs/overlay_tree.hpp"
#include "cfs/text.hpp"

namespace cfs {

namespace {

using namespace erofs;

constexpr std::uint64_t image_max = 4ULL << 30;
constexpr unsigned newest_format = 2;
constexpr std::size_t link_target_max = 4095;
constexpr std::uint32_t nsec_end = 1'000'000'000;

tl::unexpected<Error> malformed(std::string what) {
  return fail(Code::image_malformed, std::move(what));
}

// The number at an offset that is known to lie in `bytes`.
template <std::unsigned_integral N>
N number_at(std::string_view bytes, std::uint64_t offset) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof(N); ++i) {
    number |= std::uint64_t{static_cast<unsigned char>(bytes[offset + i])} << (8 * i);
  }
  return static_cast<N>(number);
}

// An inode as it lies in the image.
struct RawInode {
  Layout layout = Layout::flat_plain;
  std::uint64_t size = 0;
  std::uint32_t detail = 0;  // i_u: the first block, the device, or the size of chunks
  std::uint32_t links = 0;
  std::uint64_t xattrs_at = 0;
  std::uint64_t xattrs_size = 0;
  Inode inode;

  [[nodiscard]] std::uint64_t tail_at() const { return xattrs_at + xattrs_size; }
};

struct RawDirent {
  std::string_view name;
  std::uint64_t nid;
  FileType type;
};

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

class Reader {
 public:
  explicit Reader(std::string_view image) : image_(image), unread_(image.size()) {}

  Result<ImageContents> run();

 private:
  struct Reached {
    InodeId id;
    FileType type;
    std::uint32_t names;
    std::uint32_t links;  // as the image says
  };

  Result<> read_headers();
  Result<> read_directory(std::size_t index);
  Result<> add_entry(Directory& children, const RawDirent& entry, std::size_t parent);
  Result<InodeId> add_inode(RawInode raw);
  [[nodiscard]] Result<RawInode> read_inode(std::uint64_t nid) const;
  Result<> read_xattrs(RawInode& raw);
  Result<const Xattr*> shared_xattr(std::uint32_t id);
  Result<std::pair<const Xattr*, std::uint64_t>> read_xattr(std::string_view bytes);
  Result<> read_content(RawInode& raw);
  Result<ExternalFile> read_external(RawInode& raw);
  Result<std::vector<RawDirent>> read_dirents(const RawInode& raw);
  Result<std::array<std::string_view, 2>> data_of(const RawInode& raw);

  [[nodiscard]] Result<std::string_view> look(std::uint64_t offset, std::uint64_t size) const;
  Result<std::string_view> take(std::uint64_t offset, std::uint64_t size);
  [[nodiscard]] std::string path_of(std::size_t directory) const;

  std::string_view image_;
  // In an image nothing lies in two places at once: what is read is never more than there is. It keeps a
  // small image that uses the same bytes again and again from growing to a large tree.
  std::uint64_t unread_;
  std::uint64_t inodes_at_ = 0;
  std::uint64_t shared_at_ = 0;
  std::uint64_t root_nid_ = 0;
  std::int64_t build_sec_ = 0;
  std::uint32_t build_nsec_ = 0;
  ImageContents out_;
  std::vector<Pending> directories_;
  std::unordered_map<std::uint64_t, Reached> reached_;  // by nid
  std::unordered_map<std::uint32_t, const Xattr*> shared_;
};

Result<std::string_view> Reader::look(std::uint64_t offset, std::uint64_t size) const {
  if (offset > image_.size() || size > image_.size() - offset) {
    return malformed("something lies past the end of the image");
  }
  return image_.substr(offset, size);
}

Result<std::string_view> Reader::take(std::uint64_t offset, std::uint64_t size) {
  const std::string_view bytes = CFS_TRY(look(offset, size));
  if (size > unread_) {
    return malformed("the same bytes are used more than once");
  }
  unread_ -= size;
  return bytes;
}

std::string Reader::path_of(std::size_t directory) const {
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

Result<> Reader::read_headers() {
  const std::string_view head = CFS_TRY(look(0, super_offset + super_size));
  if (number_at<std::uint32_t>(head, 0) != composefs_magic ||
      number_at<std::uint32_t>(head, 4) != composefs_version) {
    return malformed("it has no composefs header");
  }
  out_.format = number_at<std::uint32_t>(head, 12);
  if (out_.format > newest_format) {
    return malformed(cat("its format is ", out_.format, ", and the newest known is ", newest_format));
  }
  const std::string_view super = head.substr(super_offset);
  // Features, the size of directory blocks and long attribute prefixes would change how the rest is read.
  if (number_at<std::uint32_t>(super, 0) != super_magic || super[12] != block_bits || super[13] != 0 ||
      number_at<std::uint32_t>(super, 80) != 0 || super[90] != 0 || super[91] != 0) {
    return malformed("its EROFS superblock is not one of composefs");
  }
  root_nid_ = number_at<std::uint16_t>(super, 14);
  build_sec_ = static_cast<std::int64_t>(number_at<std::uint64_t>(super, 24));
  build_nsec_ = number_at<std::uint32_t>(super, 32);
  inodes_at_ = number_at<std::uint32_t>(super, 40) * block_size;
  shared_at_ = number_at<std::uint32_t>(super, 44) * block_size;
  return {};
}

Result<RawInode> Reader::read_inode(std::uint64_t nid) const {
  if (nid > image_.size() / slot_size) {
    return malformed("its inode lies past the end of the image");
  }
  const std::uint64_t at = inodes_at_ + nid * slot_size;
  const std::string_view compact = CFS_TRY(look(at, compact_inode_size));
  const auto format = number_at<std::uint16_t>(compact, 0);
  const bool extended = (format & 1U) != 0;
  RawInode raw;
  raw.layout = static_cast<Layout>(format >> 1);
  Inode& inode = raw.inode;
  inode.mode = number_at<std::uint16_t>(compact, 4);
  raw.detail = number_at<std::uint32_t>(compact, 16);
  raw.xattrs_at = at + (extended ? extended_inode_size : compact_inode_size);
  if (const auto count = number_at<std::uint16_t>(compact, 2); count != 0) {
    raw.xattrs_size = xattr_header_size + (count - 1) * xattr_shared_id_size;
  }
  if (extended) {
    const std::string_view all = CFS_TRY(look(at, extended_inode_size));
    raw.size = number_at<std::uint64_t>(all, 8);
    raw.links = number_at<std::uint32_t>(all, 44);
    inode.uid = number_at<std::uint32_t>(all, 24);
    inode.gid = number_at<std::uint32_t>(all, 28);
    inode.mtime_sec = static_cast<std::int64_t>(number_at<std::uint64_t>(all, 32));
    inode.mtime_nsec = number_at<std::uint32_t>(all, 40);
  } else {
    raw.size = number_at<std::uint32_t>(compact, 8);
    raw.links = number_at<std::uint16_t>(compact, 6);
    inode.uid = number_at<std::uint16_t>(compact, 24);
    inode.gid = number_at<std::uint16_t>(compact, 26);
    inode.mtime_sec = build_sec_;
    inode.mtime_nsec = build_nsec_;
  }
  if (file_type(inode.mode) == FileType::unknown || inode.mtime_nsec >= nsec_end || raw.links == 0) {
    return malformed("its inode has no type, no links or no time");
  }
  return raw;
}

// One attribute at the start of `bytes`, and how many bytes it takes.
Result<std::pair<const Xattr*, std::uint64_t>> Reader::read_xattr(std::string_view bytes) {
  if (bytes.size() < xattr_entry_header_size) {
    return malformed("an extended attribute is cut short");
  }
  const std::size_t name_size = number_at<std::uint8_t>(bytes, 0);
  const std::size_t value_size = number_at<std::uint16_t>(bytes, 2);
  const std::size_t size = xattr_entry_header_size + name_size + value_size;
  if (size > bytes.size()) {
    return malformed("an extended attribute is cut short");
  }
  const std::string_view rest = bytes.substr(xattr_entry_header_size, name_size);
  const auto name = full_name(number_at<std::uint8_t>(bytes, 1), rest);
  if (!name || name->find('\0') != std::string::npos) {
    return malformed("the name of an extended attribute is none");
  }
  const Xattr* xattr = out_.tree.intern(*name, bytes.substr(xattr_entry_header_size + name_size, value_size));
  return std::pair(xattr, round_up(size, 4));
}

Result<const Xattr*> Reader::shared_xattr(std::uint32_t id) {
  if (const auto known = shared_.find(id); known != shared_.end()) {
    return known->second;
  }
  const std::uint64_t at = shared_at_ + std::uint64_t{id} * 4;
  if (at > image_.size()) {
    return malformed("a shared extended attribute lies past the end of the image");
  }
  const auto [xattr, size] = CFS_TRY(read_xattr(image_.substr(at)));
  CFS_TRY(take(at, std::min(size, image_.size() - at)));
  shared_.emplace(id, xattr);
  return xattr;
}

Result<> Reader::read_xattrs(RawInode& raw) {
  if (raw.xattrs_size == 0) {
    return {};
  }
  std::string_view bytes = CFS_TRY(take(raw.xattrs_at, raw.xattrs_size));
  const std::size_t shared = number_at<std::uint8_t>(bytes, 4);
  bytes.remove_prefix(xattr_header_size);
  if (shared * xattr_shared_id_size > bytes.size()) {
    return malformed("its extended attributes are cut short");
  }
  auto& xattrs = raw.inode.xattrs;
  for (std::size_t i = 0; i < shared; ++i) {
    xattrs.push_back(CFS_TRY(shared_xattr(number_at<std::uint32_t>(bytes, 0))));
    bytes.remove_prefix(xattr_shared_id_size);
  }
  while (!bytes.empty()) {
    const auto [xattr, size] = CFS_TRY(read_xattr(bytes));
    xattrs.push_back(xattr);
    bytes.remove_prefix(std::min<std::size_t>(size, bytes.size()));
  }
  std::ranges::sort(xattrs, {}, &Xattr::name);
  if (std::ranges::adjacent_find(xattrs, {}, &Xattr::name) != xattrs.end()) {
    return malformed("an extended attribute is there twice");
  }
  return {};
}

// The data that an image holds itself: whole blocks, and the tail behind the inode.
Result<std::array<std::string_view, 2>> Reader::data_of(const RawInode& raw) {
  if (raw.layout != Layout::flat_plain && raw.layout != Layout::flat_inline) {
    return malformed("its data lies in a form that composefs does not use");
  }
  if (raw.size > image_.size()) {
    return malformed("it is larger than the image");
  }
  const std::uint64_t tail = raw.layout == Layout::flat_inline ? raw.size % block_size : 0;
  std::array<std::string_view, 2> data;
  if (const std::uint64_t whole = raw.size - tail; whole != 0) {
    data[0] = CFS_TRY(take(raw.detail * block_size, whole));
  }
  if (tail != 0) {
    if (raw.tail_at() % block_size + tail > block_size) {
      return malformed("the end of its data crosses the boundary of a block");
    }
    data[1] = CFS_TRY(take(raw.tail_at(), tail));
  }
  return data;
}

const Xattr* remove_xattr(Inode& inode, std::string_view name) {
  const auto found = std::ranges::find(inode.xattrs, name, &Xattr::name);
  const Xattr* xattr = found == inode.xattrs.end() ? nullptr : *found;
  if (xattr != nullptr) {
    inode.xattrs.erase(found);
  }
  return xattr;
}

Result<ExternalFile> Reader::read_external(RawInode& raw) {
  const unsigned chunk_bits = block_bits + (raw.detail & 31U);
  if (raw.size == 0 || raw.detail > 31U || raw.size > std::numeric_limits<std::uint64_t>::max() / 2) {
    return malformed("its chunks are not those of composefs");
  }
  const std::uint64_t chunks = ((raw.size - 1) >> chunk_bits) + 1;
  // mkcomposefs puts the longest tables where the kernel does not look for them: such files cannot be read
  // through a mount, but the image says all the same what they are.
  const bool is_misplaced = chunks * chunk_entry_size > block_size - slot_size;
  const std::string_view table =
      is_misplaced ? std::string_view() : CFS_TRY(take(raw.tail_at(), chunks * chunk_entry_size));
  if (chunks > chunks_max || table.find_first_not_of('\xFF') != std::string_view::npos) {
    return malformed("it has data in the image and in an object");
  }
  const Xattr* metacopy = remove_xattr(raw.inode, metacopy_name);
  const Xattr* redirect = remove_xattr(raw.inode, redirect_name);
  if (metacopy == nullptr || (redirect != nullptr && !redirect->value.starts_with('/'))) {
    return malformed("it does not say where its contents lie");
  }
  ExternalFile file;
  file.size = raw.size;
  const std::string_view value = metacopy->value;
  if (!value.empty()) {
    if (value.size() < 4 || value[0] != 0 || static_cast<unsigned char>(value[1]) != value.size() ||
        value[2] != 0 || (value[3] != 1 && value[3] != 2)) {
      return malformed("its digest is none");
    }
    std::array<unsigned char, 64> bytes{};
    const std::string_view digest = value.substr(4);
    if (digest.size() > bytes.size()) {
      return malformed("its digest is none");
    }
    std::ranges::transform(digest, bytes.begin(), [](char c) { return static_cast<unsigned char>(c); });
    auto parsed =
        Digest::from_bytes(static_cast<HashAlgorithm>(value[3]), std::span(bytes).first(digest.size()));
    if (!parsed) {
      return malformed("its digest is none");
    }
    file.digest = *parsed;
  }
  std::string path = redirect == nullptr ? std::string() : redirect->value.substr(1);
  if (redirect != nullptr && (path.empty() || path.find('\0') != std::string::npos)) {
    return malformed("it does not say where its contents lie");
  }
  if (value.empty() || path != file.digest.object_path()) {
    file.backing = out_.tree.intern({std::move(path), !value.empty()});
  }
  return file;
}

Result<> Reader::read_content(RawInode& raw) {
  Inode& inode = raw.inode;
  if (inode.is(S_IFREG) && raw.layout == Layout::chunk_based) {
    inode.content = CFS_TRY(read_external(raw));
  } else if (inode.is(S_IFREG) || inode.is(S_IFLNK)) {
    if (inode.is(S_IFLNK) && (raw.size == 0 || raw.size > link_target_max)) {
      return malformed("its target is empty or longer than 4095 bytes");
    }
    const auto data = CFS_TRY(data_of(raw));
    if (raw.size != 0) {
      inode.content = cat(data[0], data[1]);
    }
    if (inode.is(S_IFLNK) && std::get<std::string>(inode.content).find('\0') != std::string::npos) {
      return malformed("there is a NUL in its target");
    }
  } else if (inode.is(S_IFCHR) || inode.is(S_IFBLK)) {
    inode.rdev = raw.detail;
  }
  return {};
}

// Checks all that the kernel relies on when it searches a name.
Result<std::vector<RawDirent>> Reader::read_dirents(const RawInode& raw) {
  std::vector<RawDirent> entries;
  const auto parts = CFS_TRY(data_of(raw));
  for (std::string_view data : parts) {
    while (!data.empty()) {
      const std::string_view block = data.substr(0, block_size);
      data.remove_prefix(block.size());
      if (block.size() < dirent_size) {
        return malformed("a directory block is cut short");
      }
      const std::uint64_t records = number_at<std::uint16_t>(block, 8);
      if (records == 0 || records % dirent_size != 0 || records >= block.size()) {
        return malformed("the names of a directory begin in the wrong place");
      }
      for (std::uint64_t at = 0; at < records; at += dirent_size) {
        const std::uint64_t begin = number_at<std::uint16_t>(block, at + 8);
        const bool last = at + dirent_size == records;
        const std::uint64_t end = last ? block.size() : number_at<std::uint16_t>(block, at + dirent_size + 8);
        if (begin < records || begin >= end || end > block.size()) {
          return malformed("the names of a directory overlap");
        }
        std::string_view name = block.substr(begin, end - begin);
        name = last ? name.substr(0, name.find('\0')) : name;
        if (name.empty() || name.size() > 255 || name.find('\0') != std::string_view::npos ||
            name.find('/') != std::string_view::npos) {
          return malformed("a name in a directory is none");
        }
        if (!entries.empty() && entries.back().name >= name) {
          return malformed(cat(printable(name), ": a name that is there twice or not in order"));
        }
        entries.push_back({name, number_at<std::uint64_t>(block, at),
                           static_cast<FileType>(number_at<std::uint8_t>(block, at + 10))});
      }
    }
  }
  return entries;
}

Result<InodeId> Reader::add_inode(RawInode raw) {
  CFS_TRY(read_xattrs(raw));
  CFS_TRY(read_content(raw));
  const auto id = static_cast<InodeId>(out_.tree.inodes.size());
  out_.tree.inodes.push_back(std::move(raw.inode));
  return id;
}

Result<> Reader::add_entry(Directory& children, const RawDirent& entry, std::size_t parent) {
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
  RawInode raw = CFS_TRY(read_inode(entry.nid));
  if (file_type(raw.inode.mode) != entry.type) {
    return malformed("its directory says that it is of another type");
  }
  if (parent == 0 && out_.format < 2 && raw.inode.is(S_IFCHR) && raw.detail == 0 &&
      is_object_directory(entry.name)) {
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

Result<> Reader::read_directory(std::size_t index) {
  const Pending directory = directories_[index];
  const RawInode raw = CFS_TRY(read_inode(directory.nid));
  const auto entries = CFS_TRY_IN(read_dirents(raw), path_of(index));
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
  out_.tree.inodes[directory.id].content = std::move(children);
  return {};
}

Result<ImageContents> Reader::run() {
  CFS_TRY(read_headers());
  RawInode root = CFS_TRY_IN(read_inode(root_nid_), "the root");
  if (!root.inode.is(S_IFDIR)) {
    return malformed("the root is not a directory");
  }
  const InodeId root_id = CFS_TRY_IN(add_inode(std::move(root)), "the root");
  directories_.push_back({root_id, root_nid_, 0, {}});
  reached_.emplace(root_nid_, Reached{root_id, FileType::directory, 1, 0});
  for (std::size_t next = 0; next < directories_.size(); ++next) {
    CFS_TRY(read_directory(next));
  }
  for (const auto& [nid, reached] : reached_) {
    if (reached.type != FileType::directory && reached.links != reached.names) {
      out_.tree.inodes[reached.id].links = reached.links;
    }
  }
  CFS_TRY(undo_overlay_tree(out_.tree, out_.format));
  return std::move(out_);
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
  return Reader(image).run();
}

Result<ImageFile> load_image(const std::string& path) {
  const std::string image = CFS_TRY(read_file(path, image_max));
  ImageFile file;
  file.contents = CFS_TRY_IN(read_image(image), printable(path));
  file.digest = CFS_TRY(compute_verity(image, hash_of(file.contents.tree)));
  file.size = image.size();
  return file;
}

}  // namespace cfs
