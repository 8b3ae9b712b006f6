// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/erofs_xattr.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <unordered_set>
#include <utility>

// Compiled in: no library has to be there where cfs-sign runs.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "cfs/base/metacopy.hpp"
#include "cfs/base/text.hpp"
#include "cfs/image/erofs_format.hpp"

namespace cfs::erofs {

namespace {

struct Prefix {
  std::string_view text;
  std::uint8_t index;
};

constexpr std::array<Prefix, 5> prefixes{{{"user.", 1},
                                          {"system.posix_acl_access", 2},
                                          {"system.posix_acl_default", 3},
                                          {"trusted.", 4},
                                          {"security.", 6}}};

// The name as the image has it: a known prefix as a number (0: none), and the rest.
struct SplitName {
  std::uint8_t index;
  std::string_view rest;
};

SplitName split_name(std::string_view name) {
  const auto* prefix =
      std::ranges::find_if(prefixes, [&](const Prefix& p) { return name.starts_with(p.text); });
  return prefix == prefixes.end() ? SplitName{0, name}
                                  : SplitName{prefix->index, name.substr(prefix->text.size())};
}

std::uint64_t entry_size(const XattrView& xattr) {
  return round_up(xattr_entry_header_size + split_name(xattr.name).rest.size() + xattr.value.size(), 4);
}

void append_entry(std::string& out, const XattrView& xattr) {
  const SplitName name = split_name(xattr.name);
  const std::size_t end = out.size() + entry_size(xattr);
  append_le(out, static_cast<std::uint8_t>(name.rest.size()));
  append_le(out, name.index);
  append_le(out, static_cast<std::uint16_t>(xattr.value.size()));
  out += name.rest;
  out += xattr.value;
  out.resize(end);
}

// Bit N is clear when a name that hashes to N may be there.
std::uint32_t name_filter(std::span<const XattrView> xattrs) {
  std::uint32_t filter = 0;
  for (const XattrView& xattr : xattrs) {
    const SplitName name = split_name(xattr.name);
    filter |= 1U << (XXH32(name.rest.data(), name.rest.size(), xattr_filter_seed + name.index) % 32);
  }
  return ~filter;
}

struct ByDigest {
  std::size_t operator()(const Digest* digest) const noexcept {
    std::size_t hash = 0;  // any bytes of a digest are as good as a hash of it
    for (std::size_t i = 0; i < sizeof hash; ++i) {
      hash = hash << 8 | digest->bytes()[i];
    }
    return hash;
  }
  bool operator()(const Digest* a, const Digest* b) const noexcept { return *a == *b; }
};

}  // namespace

std::optional<std::string> full_name(std::uint8_t index, std::string_view rest) {
  const auto* prefix = std::ranges::find(prefixes, index, &Prefix::index);
  std::string name = cat(prefix == prefixes.end() ? "" : prefix->text, rest);
  const SplitName split = split_name(name);
  return split.index == index && split.rest == rest && !name.empty() ? std::optional(std::move(name))
                                                                     : std::nullopt;
}

std::span<const XattrView> InodeXattrs::of(const Inode& inode) {
  views_.clear();
  for (const Xattr* xattr : inode.xattrs) {
    views_.push_back({xattr->name, xattr->value});
  }
  if (const auto* file = std::get_if<ExternalFile>(&inode.content)) {
    metacopy_ = file->has_digest() ? format_metacopy(file->digest) : std::string();
    views_.push_back({metacopy_name, metacopy_});
    if (const std::string path = file->path(); !path.empty()) {
      redirect_ = cat('/', path);
      views_.push_back({redirect_name, redirect_});
    }
  }
  std::ranges::sort(views_, {}, &XattrView::name);
  return views_;
}

bool SharedXattrs::Order::before(const XattrView& a, const XattrView& b) noexcept {
  if (const int names = a.name.compare(b.name); names != 0) {
    return names > 0;
  }
  return a.value.size() != b.value.size() ? a.value.size() > b.value.size() : a.value > b.value;
}

bool SharedXattrs::Order::operator()(const Xattr& a, const Xattr& b) const noexcept {
  return before({a.name, a.value}, {b.name, b.value});
}

bool SharedXattrs::Order::operator()(const Xattr& a, const XattrView& b) const noexcept {
  return before({a.name, a.value}, b);
}

bool SharedXattrs::Order::operator()(const XattrView& a, const Xattr& b) const noexcept {
  return before(a, {b.name, b.value});
}

SharedXattrs::SharedXattrs(const FileTree& tree) {
  // Attributes are interned and those of external files depend on the digest alone: what was seen before is
  // told by pointer and by digest, without making the attributes of a million files.
  std::unordered_set<const Xattr*> seen;
  std::unordered_set<const Digest*, ByDigest, ByDigest> seen_digests;
  std::set<Xattr> seen_values;  // where the digest does not tell both
  const bool by_digest = tree.backings.empty();
  InodeXattrs scratch;
  for (const Inode& inode : tree.inodes) {
    for (const Xattr* xattr : inode.xattrs) {
      if (!seen.insert(xattr).second) {
        offsets_.try_emplace(*xattr, 0);
      }
    }
    const auto* file = std::get_if<ExternalFile>(&inode.content);
    if (file == nullptr || (by_digest && seen_digests.insert(&file->digest).second)) {
      continue;
    }
    Inode content_only;
    content_only.content = *file;
    for (const XattrView& view : scratch.of(content_only)) {
      Xattr xattr{std::string(view.name), std::string(view.value)};
      if (by_digest || !seen_values.insert(xattr).second) {
        offsets_.try_emplace(std::move(xattr), 0);
      }
    }
  }
  for (auto& [xattr, offset] : offsets_) {
    offset = static_cast<std::uint32_t>(bytes_.size());
    append_entry(bytes_, {xattr.name, xattr.value});
  }
}

std::optional<std::uint32_t> SharedXattrs::offset(const XattrView& xattr) const {
  const auto found = offsets_.find(xattr);
  return found == offsets_.end() ? std::nullopt : std::optional(found->second);
}

namespace {

// Splits the attributes of an inode: the offsets of the shared ones, and the others, both in order.
struct Placed {
  std::vector<std::uint32_t> shared;
  std::vector<XattrView> own;
};

Placed place(std::span<const XattrView> xattrs, const SharedXattrs& shared) {
  Placed placed;
  for (const XattrView& xattr : xattrs) {
    const auto offset = shared.offset(xattr);
    if (offset && placed.shared.size() < SharedXattrs::max_per_inode) {
      placed.shared.push_back(*offset);
    } else {
      placed.own.push_back(xattr);
    }
  }
  return placed;
}

}  // namespace

bool xattrs_fit(std::span<const XattrView> xattrs) {
  std::uint64_t total = xattr_header_size;
  for (const XattrView& xattr : xattrs) {
    total += entry_size(xattr);
    if (split_name(xattr.name).rest.size() > 255) {
      return false;
    }
  }
  return total <= 65535;
}

std::uint64_t xattrs_size(std::span<const XattrView> xattrs, const SharedXattrs& shared) {
  if (xattrs.empty()) {
    return 0;
  }
  const Placed placed = place(xattrs, shared);
  std::uint64_t size = xattr_header_size + placed.shared.size() * xattr_shared_id_size;
  for (const XattrView& xattr : placed.own) {
    size += entry_size(xattr);
  }
  return size;
}

void append_xattrs(std::string& out, std::span<const XattrView> xattrs, const SharedXattrs& shared,
                   std::uint64_t shared_start) {
  if (xattrs.empty()) {
    return;
  }
  const Placed placed = place(xattrs, shared);
  append_le(out, name_filter(xattrs));
  append_le(out, static_cast<std::uint8_t>(placed.shared.size()));
  out.append(7, '\0');
  for (const std::uint32_t offset : placed.shared) {
    // In units of 4 bytes from the start of the block in which the shared area begins.
    append_le(out, static_cast<std::uint32_t>((shared_start % block_size + offset) / 4));
  }
  for (const XattrView& xattr : placed.own) {
    append_entry(out, xattr);
  }
}

}  // namespace cfs::erofs
