// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "cfs/base/json.hpp"
#include "cfs/base/text.hpp"
#include "cfs/stores/store_check.hpp"
#include "cfs/tool/progress.hpp"
#include "command/command.hpp"
#include "command/print.hpp"

namespace cfs {

namespace {

struct FsckOptions {
  std::string store;
  bool json = false;
};

std::string text(const StoreReport& report) {
  std::string out;
  for (const Error& problem : report.problems) {
    out += cat(name(problem.code()), ": ", problem.what(), '\n');
  }
  for (const std::string& path : report.leftovers) {
    out += cat("temporary file: ", printable(path), '\n');
  }
  return cat(out, report.objects, " objects of ", report.bytes, " bytes, ", report.images, " images, ",
             report.orphans, " orphans of ", report.orphan_bytes, " bytes, ", report.leftovers.size(),
             " temporary files, ", report.problems.size(), " problems\n");
}

std::string json(const StoreReport& report) {
  Json problems = Json::array(Json::Layout::lines);
  for (const Error& problem : report.problems) {
    problems.item(Json::object().text("code", name(problem.code())).text("what", problem.what()).str());
  }
  return Json::object()
             .boolean("sound", report.problems.empty())
             .number("objects", report.objects)
             .number("bytes", report.bytes)
             .number("images", report.images)
             .number("orphans", report.orphans)
             .number("orphan-bytes", report.orphan_bytes)
             .raw("temporary-files", json_strings(report.leftovers))
             .raw("problems", problems.str())
             .str() +
         '\n';
}

Result<> run(const FsckOptions& options) {
  Progress progress("checking");
  const StoreReport report = CFS_TRY(check_store(options.store, progress));
  CFS_TRY(print(options.json ? json(report) : text(report)));
  if (!report.problems.empty()) {
    return fail(report.problems.front().code(), cat("the store ", printable(options.store), " has ",
                                                    report.problems.size(), " problems, listed above"));
  }
  return {};
}

}  // namespace

void add_fsck(CLI::App& app, Action& action) {
  auto options = std::make_shared<FsckOptions>();
  auto* command = add_command(
      app, action, "fsck", "Check that every object of a store is what its name says, and every image whole",
      options, run);
  command->add_option("--store", options->store, "Store directory")->type_name("DIR")->required();
  command->add_flag("--json", options->json, "Print JSON");
}

}  // namespace cfs
