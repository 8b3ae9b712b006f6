// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "cfs/base/json.hpp"
#include "cfs/base/text.hpp"
#include "cfs/store/layout.hpp"
#include "cfs/stores/store_gc.hpp"
#include "command/command.hpp"
#include "command/print.hpp"

namespace cfs {

namespace {

struct GcOptions {
  std::string store;
  std::vector<std::string> keep;  // names of manifests
  bool dry_run = false;
  bool json = false;
};

// Objects are only counted: people know the others by name.
std::string text(const Garbage& garbage, bool dry_run) {
  std::string out;
  for (const std::string& path : garbage.paths) {
    if (!path.starts_with(cat(store_layout::objects, '/'))) {
      out += cat(dry_run ? "would remove " : "removed ", printable(path), '\n');
    }
  }
  return cat(out, dry_run ? "would free " : "freed ", garbage.bytes, " bytes: ", garbage.objects,
             " objects; ", garbage.objects_kept, dry_run ? " would stay\n" : " stay\n");
}

std::string json(const Garbage& garbage, bool dry_run) {
  return Json::object()
             .boolean("dry-run", dry_run)
             .number("bytes", garbage.bytes)
             .number("objects", garbage.objects)
             .number("objects-kept", garbage.objects_kept)
             .raw("removed", json_strings(garbage.paths, Json::Layout::lines))
             .str() +
         '\n';
}

Result<> run(const GcOptions& options) {
  using Action = GarbageOptions::Action;
  const Garbage garbage = CFS_TRY(collect_garbage(
      options.store, {.keep = options.keep, .action = options.dry_run ? Action::report : Action::remove}));
  return print(options.json ? json(garbage, options.dry_run) : text(garbage, options.dry_run));
}

}  // namespace

void add_gc(CLI::App& app, Action& action) {
  auto options = std::make_shared<GcOptions>();
  auto* command = add_command(
      app, action, "gc", "Remove what no manifest needs that is in a slot or kept by name", options, run);
  command->add_option("--store", options->store, "Store directory")->type_name("DIR")->required();
  command->add_option("--keep", options->keep, "Name of a manifest to keep as well. May be repeated")
      ->type_name("NAME")
      ->expected(1)
      ->take_all();
  command->add_flag("--dry-run", options->dry_run, "Remove nothing: only print what would go");
  command->add_flag("--json", options->json, "Print JSON");
}

}  // namespace cfs
