// SPDX-License-Identifier: Apache-2.0
#include "cfs/status/report_reader.hpp"

#include <nlohmann/json.hpp>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/boot/report_names.hpp"

namespace cfs {

namespace {

using Json = nlohmann::json;

constexpr std::size_t max_bytes = 1024UL * 1024;

tl::unexpected<Error> malformed(const std::exception& error) {
  return fail(Code::report_malformed, printable(error.what()));
}

// nlohmann-json would take any number for any other, and any value for an array of one.
std::uint64_t number(const Json& object, const char* name) {
  const Json& value = object.at(name);
  if (!value.is_number_unsigned()) {
    throw Json::type_error::create(302, std::string(name) + " is not a number from 0 up", &value);
  }
  return value;
}

const Json& array(const Json& object, const char* name) {
  const Json& value = object.at(name);
  if (!value.is_array()) {
    throw Json::type_error::create(302, std::string(name) + " is not an array", &value);
  }
  return value;
}

std::vector<std::string> strings(const Json& array) {
  return array.get<std::vector<std::string>>();
}

BootReport read(const Json& json) {
  namespace key = report_key;
  BootReport report;
  const Json& image = json.at(key::image);
  image.at(key::id).get_to(report.image_id);
  image.at(key::version).get_to(report.version);
  report.security_version = number(image, key::security_version);
  image.at(key::digest).get_to(report.digest);
  image.at(key::manifest).get_to(report.manifest);
  image.at(key::slot).get_to(report.slot);
  report.signers = strings(array(json, key::signers));
  for (const Json& refused : array(json, key::refused)) {
    report.refused.push_back({.manifest = refused.at(key::manifest),
                              .slot = refused.at(key::slot),
                              .code = refused.at(key::code),
                              .reason = refused.at(key::reason)});
  }
  const Json& state = json.at(key::state);
  state.at(key::root).get_to(report.root_mode);
  state.at(key::etc).get_to(report.etc);
  state.at(key::var).get_to(report.var);
  state.at(key::etc_upper).get_to(report.etc_upper);
  state.at(key::machine_id).get_to(report.machine_id);
  state.at(key::factory_reset).get_to(report.factory_reset);
  state.at(key::device).get_to(report.state_device);
  const Json& store = json.at(key::store);
  store.at(key::device).get_to(report.store_device);
  store.at(key::read_ahead).get_to(report.read_ahead);
  if (json.contains(key::open_doors)) {
    report.open_doors = strings(array(json, key::open_doors));
  }
  for (const Json& mount : array(json, key::mounts)) {
    report.mounts.push_back(
        {.id = 0, .device = mount.at(key::device), .root = mount.at(key::root), .path = mount.at(key::path)});
  }
  json.at(key::kernel).at(key::release).get_to(report.kernel_release);
  report.kernel_features = strings(array(json.at(key::kernel), key::features));
  for (const Json& stage : array(json, key::stages)) {
    report.stages.push_back(
        {.name = stage.at(key::stage), .end_us = number(stage, key::end_us), .us = number(stage, key::us)});
  }
  return report;
}

}  // namespace

Result<std::string> read_boot_report(const std::string& root) {
  const std::string file = cat(root, report_directory, '/', report_name);
  auto text = read_file(file, max_bytes);
  if (!text && text.error().code() == Code::not_found) {
    return fail(Code::not_found,
                cat(printable(file), " is not there: this system was not booted by composefs-root"),
                "run it on a device that was");
  }
  return text;
}

Result<BootReport> parse_boot_report(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    if (json.at(report_key::format) != report_key::format_version) {
      return fail(Code::report_malformed, "its format is not 1: it was written by another version");
    }
    BootReport report = read(json);
    if (report.signers.empty()) {
      return fail(Code::report_malformed, "it names no signer");
    }
    if (report.mounts.empty() || report.mounts.front().path != "/") {
      return fail(Code::report_malformed, "the first mount that it names is not that of the root");
    }
    return report;
  } catch (const Json::exception& error) {
    return malformed(error);
  }
}

Result<BootReport> load_boot_report(const std::string& root) {
  return CFS_TRY_IN(parse_boot_report(CFS_TRY(read_boot_report(root))), report_name);
}

}  // namespace cfs
