// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "cfs/base/text.hpp"
#include "cfs/disk/disk.hpp"
#include "cfs/store/boot_profile.hpp"
#include "cfs/stores/store_contents.hpp"
#include "cfs/tool/output_file.hpp"
#include "cfs/tool/progress.hpp"
#include "cfs/tool/source_date.hpp"
#include "command/command.hpp"
#include "command/print.hpp"

namespace cfs {

namespace {

struct DiskOptions {
  std::string store;
  std::string output;
  std::string size;        // "2G"; empty: as small as the store needs
  std::string state_size;  // "512M"; empty: the default
  std::string profile;     // of an image of the store; empty: those in the store only
  bool raw = false;
  bool json = false;
};

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

// The slots and the manifests that they hold.
std::vector<std::pair<std::string, std::string>> slots_of(const StoreContents& store) {
  std::vector<std::pair<std::string, std::string>> slots;
  for (const StoreContents::Link& link : store.links) {
    if (const auto* manifest = std::get_if<std::string>(&link.leads_to)) {
      slots.emplace_back(link.path.substr(link.path.rfind('/') + 1), *manifest);
    }
  }
  return slots;
}

std::string text(const std::string& path, std::uint64_t size, const StoreContents& store) {
  std::string out = cat(line("disk", printable(path)), line("size", cat(size, " bytes")),
                        line("objects", cat(store.objects.size(), " of ", store.size().bytes, " bytes")));
  for (const auto& [slot, manifest] : slots_of(store)) {
    out += line(cat("slot ", slot), manifest);
  }
  return out;
}

Json json(const std::string& path, std::uint64_t size, const StoreContents& store) {
  Json slots = Json::object();
  for (const auto& [slot, manifest] : slots_of(store)) {
    slots.text(slot, manifest);
  }
  return Json::object()
      .text("disk", path)
      .number("size", size)
      .number("objects", store.objects.size())
      .number("bytes", store.size().bytes)
      .raw("slots", slots.str());
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
  layout.timestamp = std::max(CFS_TRY(source_date()).value_or(0), layout.timestamp);
  StoreContents store = CFS_TRY(read_store(options.store));
  if (!options.profile.empty()) {
    CFS_TRY(add_profile(store, options.profile));
  }
  OutputFile output = CFS_TRY(OutputFile::open(options.output, {.access = OutputOptions::Access::random}));
  std::uint64_t size = 0;
  {
    Progress progress("writing the disk");
    size = CFS_TRY_IN(write_disk(store, output.fd(), layout, progress), printable(options.output));
  }
  CFS_TRY(output.commit());
  return options.json ? print_json(json(options.output, size, store))
                      : print(text(options.output, size, store));
}

}  // namespace

void add_disk(CLI::App& app, Action& action) {
  auto options = std::make_shared<DiskOptions>();
  auto* command =
      add_command(app, action, "disk", "Make a disk image of a store, with fs-verity enabled on its objects",
                  options, run);
  command->add_option("--store", options->store, "Store directory")->type_name("DIR")->required();
  command
      ->add_option("-o,--output", options->output,
                   "The disk image to write, or a block device that nothing uses")
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
  command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("--raw", options->raw, "Write only the store's file system, without partitions");
}

}  // namespace cfs
