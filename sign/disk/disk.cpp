// SPDX-License-Identifier: Apache-2.0
#include "cfs/disk/disk.hpp"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <vector>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/disk/ext4.hpp"
#include "cfs/disk/gpt.hpp"
#include "cfs/image/fsverity.hpp"
#include "cfs/store/layout.hpp"
#include "cfs/tool/output_file.hpp"

namespace cfs {

namespace {

// Path of a directory in the store -> its inode; "" is the store itself.
using Directories = std::map<std::string, Ext4Writer::Inode, std::less<>>;

std::string_view parent_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string name_of(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

// Blocks of the Merkle tree, by the definition: levels of hashes until one block is left.
std::uint64_t tree_blocks(std::uint64_t size, HashAlgorithm algorithm) {
  const std::uint64_t hashes_per_block = verity_block_size / digest_size(algorithm);
  std::uint64_t level = ext4_blocks(size);
  std::uint64_t total = 0;
  while (level > 1) {
    level = (level + hashes_per_block - 1) / hashes_per_block;
    total += level;
  }
  return total;
}

// Blocks that the store takes in a file system, rounded up where it depends on how they come to lie.
std::uint64_t blocks_of(const StoreContents& store) {
  constexpr std::uint64_t descriptor_blocks = 1;
  constexpr std::uint64_t blocks_per_extent_block = 1UL << 15;  // very pessimistic: one extent in each
  constexpr std::uint64_t entries_per_block = 28;               // directory entries with names of 126 bytes
  constexpr std::uint64_t directories = 256 + 9;
  constexpr std::uint64_t spare = 64;
  std::uint64_t blocks = directories + spare;
  for (const auto& object : store.objects) {
    const std::uint64_t data = ext4_blocks(object.size);
    blocks += data + tree_blocks(object.size, object.digest.algorithm()) + descriptor_blocks +
              data / blocks_per_extent_block;
  }
  for (const auto& file : store.manifests) {
    blocks += ext4_blocks(file.bytes.size());
  }
  for (const BootProfile& profile : store.profiles) {
    blocks += ext4_blocks(format_boot_profile(profile).size());
  }
  blocks += store.links.size();  // a target of 60 bytes or more takes a block
  return blocks + (store.objects.size() + store.manifests.size() + store.links.size()) / entries_per_block;
}

struct WrittenObject {
  Ext4Writer::NewFile file;
  VerityMetadata metadata;
};

// Reads and hashes the object once while it is written.
Result<WrittenObject> write_object(Ext4Writer& writer, Ext4Writer::Inode parent, const Fd& store,
                                   const StoreContents::Object& object, Progress& progress) {
  const Fd source = CFS_TRY(open_file_beneath(store, object.path));
  auto file = CFS_TRY(writer.make_file(parent, name_of(object.path), object.size));
  std::uint64_t position = 0;
  const VerityReader read = [&](std::span<char> buffer) -> Result<> {
    CFS_TRY(read_exactly(source, position, buffer));
    position += buffer.size();
    progress.add_part(buffer.size());
    return writer.write(file, {buffer.data(), buffer.size()});
  };
  auto metadata = CFS_TRY(verity_metadata(read, object.size, object.digest.algorithm()));
  struct stat status{};
  if (::fstat(source.get(), &status) != 0) {
    return fail_errno(Code::io_error, "look at it");
  }
  if (static_cast<std::uint64_t>(status.st_size) != object.size) {
    return fail(Code::input_changed, "its size changed");
  }
  if (metadata.digest != object.digest) {
    return fail(Code::object_damaged, cat("its contents hash to ", metadata.digest.text()));
  }
  return WrittenObject{std::move(file), std::move(metadata)};
}

// All objects, what the profiles name first, and in their order. `named` becomes the number of those.
std::vector<const StoreContents::Object*> in_order_of_boot(const StoreContents& store, std::size_t& named) {
  std::map<Digest, const StoreContents::Object*> left;
  for (const auto& object : store.objects) {
    left.emplace(object.digest, &object);
  }
  std::vector<const StoreContents::Object*> ordered;
  for (const BootProfile& profile : store.profiles) {
    for (const BootProfile::Object& object : profile.objects) {
      if (const auto found = left.extract(object.digest); !found.empty()) {
        ordered.push_back(found.mapped());
      }
    }
  }
  named = ordered.size();
  for (const auto& object : store.objects) {
    if (left.contains(object.digest)) {
      ordered.push_back(&object);
    }
  }
  return ordered;
}

Result<> write_small_file(Ext4Writer& writer, Ext4Writer::Inode parent, const std::string& path,
                          std::string_view bytes) {
  auto file = CFS_TRY_IN(writer.make_file(parent, name_of(path), bytes.size()), path);
  CFS_TRY_IN(writer.write(file, bytes), path);
  return {};
}

Result<> write_store(Ext4Writer& writer, const StoreContents& store, Progress& progress) {
  Directories directories;
  directories[""] = CFS_TRY(writer.make_directory(Ext4Writer::root, store_layout::directory));
  for (const char* const part : store_layout::parts) {
    directories[part] = CFS_TRY(writer.make_directory(directories[""], part));
  }
  for (const auto& object : store.objects) {
    const std::string path(parent_of(object.path));
    if (!directories.contains(path)) {
      directories[path] = CFS_TRY(writer.make_directory(directories[store_layout::objects], name_of(path)));
    }
  }
  for (const auto& link : store.links) {
    CFS_TRY_IN(
        writer.make_link(directories.find(parent_of(link.path))->second, name_of(link.path), link.target),
        link.path);
  }
  for (const auto& manifest : store.manifests) {
    CFS_TRY(write_small_file(writer, directories[store_layout::manifests], manifest.path, manifest.bytes));
  }
  for (const BootProfile& profile : store.profiles) {
    CFS_TRY(write_small_file(writer, directories[store_layout::profiles],
                             store_layout::profile_path(profile.image), format_boot_profile(profile)));
  }
  progress.expect(store.size());
  std::size_t named = 0;
  std::vector<WrittenObject> without_verity;
  for (const auto* object : in_order_of_boot(store, named)) {
    without_verity.push_back(
        CFS_TRY_IN(write_object(writer, directories.find(parent_of(object->path))->second, store.directory,
                                *object, progress),
                   object->path));
    progress.add(0);
    // The data of what a boot reads lie next to each other, so that they can be read in one request.
    if (without_verity.size() >= named) {
      for (WrittenObject& written : without_verity) {
        CFS_TRY_IN(writer.add_verity(written.file, written.metadata.merkle_tree, written.metadata.descriptor),
                   "add fs-verity");
      }
      without_verity.clear();
      named = 0;
    }
  }
  return writer.finish();
}

Result<Ext4Options> file_system(std::string_view label, std::string_view identity, std::uint32_t timestamp) {
  Ext4Options options;
  options.label = label;
  options.uuid = CFS_TRY(derive_uuid(identity, cat(label, " file system")));
  options.hash_seed = CFS_TRY(derive_uuid(identity, cat(label, " hash seed")));
  options.timestamp = timestamp;
  return options;
}

// The size of the store's file system, when all else on the disk takes `rest` bytes.
Result<std::uint64_t> store_size(const Ext4Options& options, std::uint64_t blocks, const DiskLayout& layout,
                                 std::uint64_t rest) {
  if (!layout.size) {
    return ext4_size_for(options, blocks + blocks / 32);
  }
  const std::uint64_t least = CFS_TRY(ext4_size_for(options, blocks));
  if (*layout.size < least + rest) {
    return fail(Code::usage, cat("a disk of ", *layout.size, " bytes is too small: it takes at least ",
                                 (least + rest) >> 20, "M"));
  }
  const std::uint64_t space = *layout.size - rest;
  return layout.kind == DiskLayout::Kind::raw ? space : space / partition_alignment * partition_alignment;
}

Result<> check_sizes(const DiskLayout& layout) {
  if (const std::uint64_t size = layout.size.value_or(0); size % ext4_block_size != 0) {
    return fail(Code::usage, cat("a disk of ", size, " bytes: a size is a multiple of 4K"));
  }
  if (layout.kind == DiskLayout::Kind::gpt && layout.state_size != 0 &&
      (layout.state_size < smallest_state_size || layout.state_size % partition_alignment != 0)) {
    return fail(Code::usage, cat("a state partition of ", layout.state_size,
                                 " bytes: it is 0, or a multiple of 1M and at least 8M"));
  }
  return {};
}

// The kernel counts a device's partitions in the device's own sectors.
Result<> check_sectors(const Fd& image) {
  if (int size = 0;
      ::ioctl(image.get(), BLKSSZGET, &size) == 0 && static_cast<unsigned>(size) != sector_size) {
    return fail(Code::io_error, cat("the device has sectors of ", size,
                                    " bytes, and the partition table is for ", sector_size));
  }
  return {};  // a file has none
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::string_view units = "KMGT";
  std::string_view digits = text;
  unsigned shift = 0;
  if (const auto unit = text.empty() ? std::string_view::npos : units.find(text.back());
      unit != std::string_view::npos) {
    shift = 10 * (static_cast<unsigned>(unit) + 1);
    digits.remove_suffix(1);
  }
  // Offsets in files are signed 64-bit numbers.
  const auto number = parse_decimal<std::uint64_t>(digits);
  if (!number || *number > static_cast<std::uint64_t>(INT64_MAX) >> shift) {
    return fail(Code::usage, cat("\"", printable(text), "\" is not a size such as 512M or 2G"));
  }
  return *number << shift;
}

Result<std::uint64_t> write_disk(const StoreContents& store, const Fd& image, const DiskLayout& layout,
                                 Progress& progress) {
  CFS_TRY(check_sizes(layout));
  const bool raw = layout.kind == DiskLayout::Kind::raw;
  const std::uint64_t state_size = raw ? 0 : layout.state_size;
  const std::uint64_t tables = raw ? 0 : partition_alignment;  // at either end
  const std::string identity = CFS_TRY(store.identity());

  Ext4Options options = CFS_TRY(file_system(store_label, identity, layout.timestamp));
  // Twice what there is now: an update adds objects before it removes old ones.
  options.inodes = static_cast<std::uint32_t>(std::min<std::uint64_t>(
      2 * (store.objects.size() + store.manifests.size() + store.links.size()) + 1024, UINT32_MAX));
  options.size = CFS_TRY(store_size(options, blocks_of(store), layout, 2 * tables + state_size));
  const std::uint64_t total = layout.size.value_or(options.size + 2 * tables + state_size);
  if (!raw) {
    CFS_TRY(check_sectors(image));
  }
  CFS_TRY(make_zeros(image, total));
  if (!raw) {
    std::array<Partition, 2> partitions{
        Partition{store_partition_type, store_label, {}, tables, options.size},
        Partition{state_partition_type, state_label, {}, tables + options.size, state_size}};
    for (Partition& partition : partitions) {
      partition.id = CFS_TRY(derive_uuid(identity, cat(partition.label, " partition")));
    }
    const Uuid disk = CFS_TRY(derive_uuid(identity, "disk"));
    CFS_TRY(write_gpt(image, disk, std::span(partitions).first(state_size != 0 ? 2 : 1)));
  }
  if (state_size != 0) {
    Ext4Options state = CFS_TRY(file_system(state_label, identity, layout.timestamp));
    state.size = state_size;
    state.reserved_percent = 5;  // as mke2fs: root's services go on when /var is full
    Ext4Writer writer =
        CFS_TRY_IN(Ext4Writer::create(image, tables + options.size, state), "the state file system");
    CFS_TRY_IN(writer.finish(), "the state file system");
  }
  Ext4Writer writer = CFS_TRY_IN(Ext4Writer::create(image, tables, options), "the store's file system");
  CFS_TRY(write_store(writer, store, progress));
  return total;
}

}  // namespace cfs
