// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdlib>

#include "cfs/base/atomic_file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/disk/disk.hpp"
#include "cfs/store/boot_profile.hpp"
#include "cfs/stores/store_contents.hpp"
#include "cfs/tool/progress.hpp"
#include "command/command.hpp"

namespace cfs {

namespace {

struct DiskOptions {
  std::string store;
  std::string output;
  std::string size;        // "2G"; empty: as small as the store needs
  std::string state_size;  // "512M"; empty: the default
  std::string profile;     // of an image of the store; empty: those in the store only
  bool raw = false;
};

// SOURCE_DATE_EPOCH, as reproducible-builds.org specifies it, within what every field of ext4 can hold.
Result<> read_timestamp(DiskLayout& layout) {
  const char* const text =
      std::getenv("SOURCE_DATE_EPOCH");  // NOLINT(concurrency-mt-unsafe): no other thread yet
  if (text == nullptr) {
    return {};
  }
  const auto seconds = parse_decimal<std::uint32_t>(text);
  if (!seconds || *seconds > INT32_MAX) {
    return fail(Code::usage, cat("SOURCE_DATE_EPOCH=", printable(text), " is not a time from 1970 to 2038"));
  }
  layout.timestamp = std::max(*seconds, layout.timestamp);
  return {};
}

// In place of the one that the store has of that image.
Result<> add_profile(StoreContents& store, const std::string& path) {
  BootProfile profile = CFS_TRY(read_boot_profile(path));
  if (std::ranges::find(store.objects, profile.image, &StoreContents::Object::digest) ==
      store.objects.end()) {
    return fail(Code::image_missing, cat(printable(path), " is the profile of ", profile.image.text(),
                                         ", which is not in the store"));
  }
  std::erase_if(store.profiles, [&](const BootProfile& known) { return known.image == profile.image; });
  store.profiles.insert(store.profiles.begin(), std::move(profile));
  return {};
}

Result<> run(const DiskOptions& options) {
  DiskLayout layout;
  layout.kind = options.raw ? DiskLayout::Kind::raw : DiskLayout::Kind::gpt;
  if (options.raw && !options.state_size.empty()) {
    return fail(Code::usage, "--raw leaves no place for --state-size");
  }
  if (!options.size.empty()) {
    layout.size = CFS_TRY_IN(parse_size(options.size), "--size");
  }
  if (!options.state_size.empty()) {
    layout.state_size = CFS_TRY_IN(parse_size(options.state_size), "--state-size");
  }
  CFS_TRY(read_timestamp(layout));
  StoreContents store = CFS_TRY(read_store(options.store));
  if (!options.profile.empty()) {
    CFS_TRY(add_profile(store, options.profile));
  }
  AtomicFile output = CFS_TRY(AtomicFile::create(options.output));
  Progress progress("writing the disk");
  CFS_TRY_IN(write_disk(store, output.fd(), layout, progress), printable(options.output));
  return output.commit();
}

}  // namespace

void add_disk(CLI::App& app, Action& action) {
  auto options = std::make_shared<DiskOptions>();
  auto* command =
      add_command(app, action, "disk", "Make a disk image of a store, with fs-verity enabled on its objects",
                  options, run);
  command->add_option("--store", options->store, "Store directory")->type_name("DIR")->required();
  command->add_option("-o,--output", options->output, "The disk image to write")
      ->type_name("FILE")
      ->required();
  command
      ->add_option(
          "--size", options->size,
          "Size of the disk in bytes, or with K, M, G or T (powers of 1024); as small as the store needs "
          "by default")
      ->type_name("SIZE");
  command
      ->add_option("--state-size", options->state_size, "Size of the state partition, likewise; 0 for none")
      ->type_name("SIZE");
  command
      ->add_option(
          "--profile", options->profile,
          "A boot profile to put into the store, as profile apply does: the objects it names come first")
      ->type_name("FILE");
  command->add_flag("--raw", options->raw, "Write only the store's file system, without partitions");
}

}  // namespace cfs
