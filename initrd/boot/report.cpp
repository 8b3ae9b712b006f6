// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/report.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "cfs/base/atomic_file.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

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

void Report::record(std::string_view stage) {
  const auto now = std::chrono::steady_clock::now();
  stages_.push_back({std::string(stage), duration_cast<microseconds>(now.time_since_epoch()),
                     duration_cast<microseconds>(now - last_)});
  last_ = now;
}

std::int64_t Report::elapsed_us() const {
  return duration_cast<microseconds>(std::chrono::steady_clock::now() - start_).count();
}

std::string Report::summary() const {
  return cat(image.image_id, ' ', image.version, " (", image.digest.text(), ", manifest ", manifest,
             ", slot ", slot.empty() ? "none" : slot, ") verified and attached in ", elapsed_us(), " us");
}

std::string Report::json() const {
  Json refusals('[');
  for (const Refusal& refusal : refused) {
    refusals.item(Json('{')
                      .text("manifest", refusal.candidate.manifest)
                      .text("slot", refusal.candidate.slot)
                      .text("code", name(refusal.error.code()))
                      .text("reason", refusal.error.what())
                      .str());
  }
  Json stages('[');
  for (const StageTime& stage : stages_) {
    stages.item(Json('{')
                    .text("stage", stage.name)
                    .number("end_us", stage.end.count())
                    .number("us", stage.duration.count())
                    .str());
  }
  Json mount_list('[');
  for (const TreeMount& mount : mounts) {
    mount_list.item(
        Json('{').text("path", mount.path).text("device", mount.device).text("root", mount.root).str());
  }
  return Json('{')
             .number("format", 1)
             .raw("image", Json('{')
                               .text("id", image.image_id)
                               .text("version", image.version)
                               .number("security-version", image.security_version)
                               .text("digest", image.digest.text())
                               .text("manifest", manifest)
                               .text("slot", slot)
                               .str())
             .raw("signers", strings(signers))
             .raw("refused", refusals.str())
             .raw("state", Json('{')
                               .text("root", name(root))
                               .text("etc", name(etc))
                               .text("var", name(var))
                               .text("etc-upper", name(state.etc_upper))
                               .text("machine-id", name(state.machine_id))
                               .raw("factory-reset", state.factory_reset ? "true" : "false")
                               .text("device", state_device)
                               .str())
             .raw("open-doors", strings(open_doors))
             .raw("mounts", mount_list.str())
             .raw("store", Json('{')
                               .text("device", store_device)
                               .raw("read-ahead", read_ahead ? "true" : "false")
                               .str())
             .raw("tpm", Json('{').text("mode", "off").str())
             .raw("kernel",
                  Json('{').text("release", kernel_release).raw("features", strings(kernel_features)).str())
             .raw("stages", stages.str())
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
