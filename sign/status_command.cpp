#include <string>

#include "cfs/boot_report.hpp"
#include "cfs/journal.hpp"
#include "cfs/report.hpp"
#include "cfs/running_root.hpp"
#include "cfs/text.hpp"
#include "commands.hpp"
#include "print.hpp"

namespace cfs {

namespace {

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

std::string text(const BootReport& report, const Result<>& check) {
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
  return cat(out, "now               ", check ? "mounted as recorded" : check.error().what(), '\n');
}

}  // namespace

Result<> status_command(const StatusOptions& options) {
  const std::string json = CFS_TRY(read_boot_report(options.root));
  const BootReport report = CFS_TRY_IN(parse_boot_report(json), report_name);
  Result<> check = check_running_root(report, cat(options.root, mount_table_file));
  if (options.journal) {
    CFS_TRY(write_journal(report, check));
  } else {
    CFS_TRY(print(options.json ? CFS_TRY(status_json(json, check)) : text(report, check)));
  }
  return check;
}

}  // namespace cfs
