// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/report.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "cfs/base/atomic_file.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

// One JSON object or array under construction. Names are our own and need no escaping.
class Json {
 public:
  explicit Json(char open) : text_(1, open), close_(open == '{' ? '}' : ']') {}

  Json& raw(std::string_view name, std::string_view value) {
    text_ += cat(text_.size() > 1 ? ", " : "", '"', name, "\": ", value);
    return *this;
  }
  Json& text(std::string_view name, std::string_view value) { return raw(name, json_quote(value)); }
  template <std::integral N>
  Json& number(std::string_view name, N value) {
    return raw(name, cat(value));
  }
  Json& item(std::string_view value) {
    text_ += cat(text_.size() > 1 ? ", " : "", value);
    return *this;
  }
  [[nodiscard]] std::string str() const { return text_ + close_; }

 private:
  std::string text_;
  char close_;
};

std::string strings(const std::vector<std::string>& values) {
  Json array('[');
  for (const std::string& value : values) {
    array.item(json_quote(value));
  }
  return array.str();
}

}  // namespace

std::string json_quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += cat("\\u00", to_hex(std::span(&byte, 1)));
    }
  }
  return out + '"';
}

std::string Report::summary(std::chrono::microseconds elapsed) const {
  return cat(image.image_id, ' ', image.version, " (", image.digest.text(), ", manifest ", candidate.manifest,
             ", slot ", candidate.slot.empty() ? "none" : candidate.slot, ") verified and attached in ",
             elapsed.count(), " us");
}

std::string Report::json() const {
  namespace key = report_key;
  Json refusals('[');
  for (const Refusal& refusal : refused) {
    refusals.item(Json('{')
                      .text(key::manifest, refusal.candidate.manifest)
                      .text(key::slot, refusal.candidate.slot)
                      .text(key::code, name(refusal.error.code()))
                      .text(key::reason, refusal.error.what())
                      .str());
  }
  Json stage_list('[');
  for (const StageTime& time : stages) {
    stage_list.item(Json('{')
                        .text(key::stage, time.stage)
                        .number(key::end_us, time.end.count())
                        .number(key::us, time.duration.count())
                        .str());
  }
  Json mount_list('[');
  for (const TreeMount& mount : mounts) {
    mount_list.item(Json('{')
                        .text(key::path, mount.path)
                        .text(key::device, mount.device)
                        .text(key::root, mount.root)
                        .str());
  }
  return Json('{')
             .number(key::format, key::format_version)
             .raw(key::image, Json('{')
                                  .text(key::id, image.image_id)
                                  .text(key::version, image.version)
                                  .number(key::security_version, image.security_version)
                                  .text(key::digest, image.digest.text())
                                  .text(key::manifest, candidate.manifest)
                                  .text(key::slot, candidate.slot)
                                  .str())
             .raw(key::signers, strings(signers))
             .raw(key::refused, refusals.str())
             .raw(key::state, Json('{')
                                  .text(key::root, name(root))
                                  .text(key::etc, name(etc))
                                  .text(key::var, name(var))
                                  .text(key::etc_upper, name(state.etc_upper))
                                  .text(key::machine_id, name(state.machine_id))
                                  .raw(key::factory_reset, state.factory_reset ? "true" : "false")
                                  .text(key::device, state_device)
                                  .str())
             .raw(key::open_doors, strings(open_doors))
             .raw(key::mounts, mount_list.str())
             .raw(key::store, Json('{')
                                  .text(key::device, store_device)
                                  .raw(key::read_ahead, read_ahead ? "true" : "false")
                                  .str())
             .raw(key::tpm, Json('{').text(key::mode, "off").str())
             .raw(key::kernel, Json('{')
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
