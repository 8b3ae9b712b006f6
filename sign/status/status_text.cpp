// SPDX-License-Identifier: Apache-2.0
#include "cfs/status/status_text.hpp"

#include <nlohmann/json.hpp>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

using Json = nlohmann::json;

std::string list(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += cat(text.empty() ? "" : ", ", printable(word));
  }
  return text;
}

std::string slot_text(const std::string& slot) {
  return slot.empty() ? std::string("named by the command line") : cat("slot ", printable(slot));
}

std::string doors_text(const RunningDoors& doors) {
  std::vector<std::string> closed;
  std::string out;
  for (const RunningDoor& door : doors.doors) {
    if (door.state == DoorState::closed) {
      closed.push_back(door.key);
    } else if (door.state == DoorState::open_by_policy) {
      out += cat("door open         ", door.key, ", by the policy\n");
    } else {
      out += cat("door open         ", door.key, ", changed since the boot: ", printable(door.problem), '\n');
    }
  }
  if (doors.doors.empty()) {
    out = "doors             unknown: the initramfs is of an earlier version\n";
  }
  if (!closed.empty()) {
    out = cat("doors closed      ", list(closed), '\n', out);
  }
  out += cat("kernel lockdown   ", doors.lockdown ? printable(*doors.lockdown) : "not in this kernel", '\n');
  return out + cat("kexec             ",
                   doors.kexec == Kexec::possible   ? "possible: root chooses the next kernel"
                   : doors.kexec == Kexec::disabled ? "disabled"
                                                    : "not in this kernel",
                   '\n');
}

Json doors_json(const RunningDoors& doors) {
  Json array = Json::array();
  for (const RunningDoor& door : doors.doors) {
    const bool changed = door.state == DoorState::open_since_boot;
    array.push_back({{"door", door.key},
                     {"open", door.state != DoorState::closed},
                     {"by", changed                           ? Json("change")
                            : door.state == DoorState::closed ? Json()
                                                              : Json("policy")},
                     {"problem", changed ? Json(door.problem) : Json()}});
  }
  return array;
}

}  // namespace

std::string status_text(const BootReport& report, const RunningDoors& doors, const std::string& objects,
                        const Result<>& check) {
  std::string out =
      cat("image             ", printable(report.image_id), ' ', printable(report.version), '\n');
  out += cat("security-version  ", report.security_version, '\n');
  out += cat("digest            ", printable(report.digest), '\n');
  out += cat("manifest          ", printable(report.manifest), " (", slot_text(report.slot), ")\n");
  for (const std::string& signer : report.signers) {
    out += cat("signed by         ", printable(signer), '\n');
  }
  for (const BootReport::Refused& refused : report.refused) {
    out += cat("refused           ", printable(refused.manifest), " (", slot_text(refused.slot),
               "): ", printable(refused.code), ": ", printable(refused.reason), '\n');
  }
  out += cat("verified by       signature and fs-verity; ", list(report.kernel_features), "; Linux ",
             printable(report.kernel_release), '\n');
  out +=
      cat("store             ", printable(report.store_device), report.read_ahead ? ", read ahead\n" : "\n");
  out += cat("state             ", report.state_device.empty() ? "none" : printable(report.state_device),
             ": etc ", printable(report.etc), " (", printable(report.etc_upper), "), var ",
             printable(report.var), ", machine-id ", printable(report.machine_id),
             report.factory_reset ? ", reset to factory state\n" : "\n");
  out += doors_text(doors);
  for (const TreeMount& mount : report.mounts) {
    out += cat("mount             ", printable(mount.path), "  ", printable(mount.device), ' ',
               printable(mount.root), '\n');
  }
  std::uint64_t total = 0;
  for (const BootReport::Stage& stage : report.stages) {
    out += cat("stage             ", printable(stage.name), ' ', stage.us, " us\n");
    total += stage.us;
  }
  out += cat("stages together   ", total, " us\n");
  out += cat("objects           ", objects, '\n');
  return cat(out, "now               ", check ? "mounted as recorded" : check.error().what(), '\n');
}

Result<std::string> status_json(std::string_view report, const RunningDoors& doors,
                                const std::string& objects, const Result<>& check) {
  try {
    Json json = Json::parse(report);
    json["as-recorded"] = check.has_value();
    json["problem"] = check ? Json() : Json(check.error().what());
    json["objects"] = objects;
    json["doors"] = doors_json(doors);
    json["lockdown"] = doors.lockdown ? Json(*doors.lockdown) : Json();
    json["kexec"] = doors.kexec == Kexec::absent
                        ? Json()
                        : Json(doors.kexec == Kexec::possible ? "possible" : "disabled");
    return json.dump(2, ' ', true) + '\n';
  } catch (const Json::exception& error) {
    return fail(Code::report_malformed, printable(error.what()));
  }
}

}  // namespace cfs
