// SPDX-License-Identifier: Apache-2.0
#include "cfs/status/report_reader.hpp"

#include <nlohmann/json.hpp>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/boot/report.hpp"

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
  BootReport report;
  const Json& image = json.at("image");
  image.at("id").get_to(report.image_id);
  image.at("version").get_to(report.version);
  report.security_version = number(image, "security-version");
  image.at("digest").get_to(report.digest);
  image.at("manifest").get_to(report.manifest);
  image.at("slot").get_to(report.slot);
  report.signers = strings(array(json, "signers"));
  for (const Json& refused : array(json, "refused")) {
    report.refused.push_back({.manifest = refused.at("manifest"),
                              .slot = refused.at("slot"),
                              .code = refused.at("code"),
                              .reason = refused.at("reason")});
  }
  const Json& state = json.at("state");
  state.at("root").get_to(report.root_mode);
  state.at("etc").get_to(report.etc);
  state.at("var").get_to(report.var);
  state.at("etc-upper").get_to(report.etc_upper);
  state.at("machine-id").get_to(report.machine_id);
  state.at("factory-reset").get_to(report.factory_reset);
  state.at("device").get_to(report.state_device);
  const Json& store = json.at("store");
  store.at("device").get_to(report.store_device);
  store.at("read-ahead").get_to(report.read_ahead);
  if (json.contains("open-doors")) {
    report.open_doors = strings(array(json, "open-doors"));
  }
  for (const Json& mount : array(json, "mounts")) {
    report.mounts.push_back(
        {.id = 0, .device = mount.at("device"), .root = mount.at("root"), .path = mount.at("path")});
  }
  json.at("kernel").at("release").get_to(report.kernel_release);
  report.kernel_features = strings(array(json.at("kernel"), "features"));
  for (const Json& stage : array(json, "stages")) {
    report.stages.push_back(
        {.name = stage.at("stage"), .end_us = number(stage, "end_us"), .us = number(stage, "us")});
  }
  return report;
}

}  // namespace

Result<std::string> read_boot_report(const std::string& root) {
  const std::string file = cat(root, report_directory, '/', report_name);
  auto text = read_file(file, max_bytes);
  if (!text && text.error().code() == Code::not_found) {
    return fail(Code::not_found,
                cat(printable(file), " is not there: this system was not booted by composefs-root"));
  }
  return text;
}

Result<BootReport> parse_boot_report(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    if (json.at("format") != 1) {
      return fail(Code::report_malformed, "its format is not 1: it was written by another version");
    }
    BootReport report = read(json);
    if (report.signers.empty()) {
      return fail(Code::report_malformed, "it names nobody who signed the image");
    }
    if (report.mounts.empty() || report.mounts.front().path != "/") {
      return fail(Code::report_malformed, "the first mount that it names is not that of the root");
    }
    return report;
  } catch (const Json::exception& error) {
    return malformed(error);
  }
}

}  // namespace cfs
