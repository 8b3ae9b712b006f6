// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/report.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "cfs/base/atomic_file.hpp"
#include "cfs/base/json.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

Json object() {
  return Json::object(Json::Layout::spaced);
}

Json array() {
  return Json::array(Json::Layout::spaced);
}

std::string strings(const std::vector<std::string>& values) {
  return json_strings(values, Json::Layout::spaced);
}

}  // namespace

std::string Report::summary(std::chrono::microseconds elapsed) const {
  return cat(image.image_id, ' ', image.version, " (", image.digest.text(), ", manifest ", candidate.manifest,
             ", slot ", candidate.slot.empty() ? "none" : candidate.slot, ") verified and attached in ",
             elapsed.count(), " us");
}

std::string Report::json() const {
  namespace key = report_key;
  Json refusals = array();
  for (const Refusal& refusal : refused) {
    refusals.item(object()
                      .text(key::manifest, refusal.candidate.manifest)
                      .text(key::slot, refusal.candidate.slot)
                      .text(key::code, name(refusal.error.code()))
                      .text(key::reason, refusal.error.what())
                      .str());
  }
  Json stage_list = array();
  for (const StageTime& time : stages) {
    stage_list.item(object()
                        .text(key::stage, time.stage)
                        .number(key::end_us, time.end.count())
                        .number(key::us, time.duration.count())
                        .str());
  }
  Json mount_list = array();
  for (const TreeMount& mount : mounts) {
    mount_list.item(object()
                        .text(key::path, mount.path)
                        .text(key::device, mount.device)
                        .text(key::root, mount.root)
                        .str());
  }
  return object()
             .number(key::format, key::format_version)
             .raw(key::image, object()
                                  .text(key::id, image.image_id)
                                  .text(key::version, image.version)
                                  .number(key::security_version, image.security_version)
                                  .text(key::digest, image.digest.text())
                                  .text(key::manifest, candidate.manifest)
                                  .text(key::slot, candidate.slot)
                                  .str())
             .raw(key::signers, strings(signers))
             .raw(key::refused, refusals.str())
             .raw(key::state, object()
                                  .text(key::root, name(root))
                                  .text(key::etc, name(etc))
                                  .text(key::var, name(var))
                                  .text(key::etc_upper, name(state.etc_upper))
                                  .text(key::machine_id, name(state.machine_id))
                                  .boolean(key::factory_reset, state.factory_reset)
                                  .text(key::device, state_device)
                                  .str())
             .raw(key::open_doors, strings(open_doors))
             .raw(key::mounts, mount_list.str())
             .raw(key::store,
                  object().text(key::device, store_device).boolean(key::read_ahead, read_ahead).str())
             .raw(key::tpm, object().text(key::mode, "off").str())
             .raw(key::kernel, object()
                                   .text(key::release, kernel_release)
                                   .raw(key::features, strings(kernel_features))
                                   .str())
             .raw(key::stages, stage_list.str())
             .str() +
         '\n';
}

namespace {

// Where there is nothing to say, there is no file.
Result<> write_record(const std::string& directory, std::string_view name, const std::string& text) {
  constexpr mode_t mode = 0444;
  const std::string path = cat(directory, '/', name);
  if (!text.empty()) {
    return write_file(path, text, mode);
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return fail_errno(Code::io_error, cat("remove ", path));
  }
  return {};
}

}  // namespace

Result<> write_report(const Report& report, const std::string& directory) {
  if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
    return fail_errno(Code::io_error, cat("create ", directory));
  }
  const std::string corruption(report.corruption == CorruptionAction::report ? "" : name(report.corruption));
  CFS_TRY(write_record(directory, object_check_name, ""));
  CFS_TRY(write_record(directory, state_device_name, report.state_device));
  CFS_TRY(write_record(directory, corruption_action_name, corruption));
  CFS_TRY(write_record(directory, mount_record_name, mount_record(report.mounts)));
  return write_record(directory, report_name, report.json());
}

}  // namespace cfs
