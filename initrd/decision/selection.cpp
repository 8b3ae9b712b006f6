// SPDX-License-Identifier: Apache-2.0
#include "cfs/decision/selection.hpp"

#include <optional>

#include "cfs/base/text.hpp"
#include "cfs/store/store.hpp"

namespace cfs {

namespace {

Result<DeviceSpec> select_store(const Cmdline& cmdline, const Policy& policy) {
  const auto parse = [&](std::string_view name) -> Result<std::optional<DeviceSpec>> {
    const auto value = cmdline.value(name);
    // gpt-auto, fstab, off and whatever else is a keyword to systemd has neither.
    if (!value || (name == "root" && value->find_first_of("=/") == std::string::npos)) {
      return std::nullopt;
    }
    auto device = DeviceSpec::parse(*value);
    if (!device) {
      return fail(Code::parameter_refused, cat(name, "=: ", device.error().what()));
    }
    return std::optional(*std::move(device));
  };
  // Both, whichever counts: what other programs of an initrd read as a device must be one.
  auto root = CFS_TRY(parse("root"));
  auto store = CFS_TRY(parse("composefs.store"));
  return store ? *std::move(store) : root ? *std::move(root) : policy.store;
}

}  // namespace

Result<> select_image(const std::string& value, Selection& selection) {
  if (is_manifest_name(value)) {
    selection.image = value;
    return {};
  }
  const auto digest = Digest::parse(value);
  if (!digest) {
    return fail(Code::parameter_refused,
                cat("composefs.image=", printable(value), " is neither a manifest's name nor a digest"));
  }
  selection.image_digest = *digest;
  return {};
}

Result<> select_slot(const std::string& value, Selection& selection) {
  if (!is_slot_name(value)) {
    return fail(Code::parameter_refused, cat("composefs.slot=", printable(value), " is not a slot"));
  }
  selection.slot = value;
  return {};
}

Result<Selection> select(const Cmdline& cmdline, const Policy& policy) {
  Selection selection;
  selection.store = CFS_TRY(select_store(cmdline, policy));
  if (const auto image = cmdline.value("composefs.image")) {
    CFS_TRY(select_image(*image, selection));
  }
  if (const auto slot = cmdline.value("composefs.slot")) {
    CFS_TRY(select_slot(*slot, selection));
  }
  selection.init = cmdline.value("init");
  return selection;
}

}  // namespace cfs
