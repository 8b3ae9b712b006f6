// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/atomic_file.hpp"
#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/store/layout.hpp"
#include "cfs/store/store.hpp"
#include "cfs/stores/store_lock.hpp"
#include "cfs/trust/manifest.hpp"
#include "command/command.hpp"
#include "command/print.hpp"

namespace cfs {

namespace {

struct SlotOptions {
  std::string store;
  std::string slot;
  std::string name;  // empty: show
  bool json = false;
};

Result<> set_slot(const std::string& store, const std::string& slot, const std::string& name) {
  const std::string path = cat(store, '/', store_layout::slots);
  CFS_TRY(create_directory(path));
  return write_link(cat(path, '/', slot), store_layout::slot_link(name));
}

Result<> run(const SlotOptions& options) {
  if (!is_slot_name(options.slot)) {
    return fail(Code::usage,
                cat("\"", printable(options.slot), "\" is not a slot: next, current or previous"));
  }
  if (!options.name.empty() && !is_manifest_name(options.name)) {
    return fail(Code::usage, cat("\"", printable(options.name), "\" is not the name of a manifest"));
  }
  const Store store = CFS_TRY(Store::open(options.store));
  if (!options.name.empty()) {
    const StoreLock lock = CFS_TRY(StoreLock::wait(store.directory(), StoreLock::Kind::shared));
    // A slot that names no signed manifest would only make a boot fall back.
    CFS_TRY(store.manifest(options.name));
    CFS_TRY(set_slot(options.store, options.slot, options.name));
  }
  const auto held = CFS_TRY(store.slot(options.slot));
  if (options.json) {
    return print_json(
        Json::object().text("slot", options.slot).raw("manifest", held ? json_quote(*held) : "null"));
  }
  return print(cat(held ? *held : "(empty)", '\n'));
}

}  // namespace

void add_slot(CLI::App& app, Action& action) {
  auto options = std::make_shared<SlotOptions>();
  auto* command = add_command(app, action, "slot", "Show which manifest a slot of a store holds, or set it",
                              options, run);
  command->add_option("--store", options->store, "Store directory")->type_name("DIR")->required();
  command->add_flag("--json", options->json, "Print JSON");
  command->add_option("SLOT", options->slot, "next, current or previous")->required();
  command->add_option("NAME", options->name, "Name of a signed manifest (without: show)");
}

}  // namespace cfs
