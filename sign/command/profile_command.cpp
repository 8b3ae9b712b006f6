// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "cfs/base/atomic_file.hpp"
#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/boot/report.hpp"
#include "cfs/mount/hidden_mount.hpp"
#include "cfs/status/report_reader.hpp"
#include "cfs/store/boot_profile.hpp"
#include "cfs/store/layout.hpp"
#include "cfs/store/store.hpp"
#include "cfs/stores/profile_record.hpp"
#include "cfs/stores/store_lock.hpp"
#include "cfs/tool/output_file.hpp"
#include "command/command.hpp"
#include "command/print.hpp"

namespace cfs {

namespace {

struct ProfileRecordOptions {
  std::string output = "-";  // standard output
  std::string after;         // a profile of what the same boot had read earlier; empty: none
  bool json = false;
};

struct ProfileApplyOptions {
  std::string profile;
  std::string store;  // empty: that of this system
  bool json = false;
};

// State on the store's file system makes that writable from the start.
Access access_of_store(const BootReport& report) {
  return report.state_device == report.store_device ? Access::read_write : Access::read_only;
}

// The store's file system of the running system.
Result<Fd> mount_running_store(const BootReport& report, Access access) {
  Kernel kernel;
  return CFS_TRY(mount_again(kernel, report.store_device, access_of_store(report), access)).mount;
}

std::string path_of(const Store& store) {
  return cat("/proc/self/fd/", store.directory().get());
}

Result<> put_profile(const Store& store, const BootProfile& profile) {
  const StoreLock lock = CFS_TRY(StoreLock::wait(store.directory(), StoreLock::Kind::shared));
  CFS_TRY_IN(store.object(profile.image), "the image of the profile");
  const std::string path = path_of(store);
  CFS_TRY(create_directory(store.directory(), store_layout::profiles));
  return write_file(cat(path, '/', store_layout::profile_path(profile.image)), format_boot_profile(profile));
}

Result<> apply_to_running_system(const BootProfile& profile) {
  const BootReport report = CFS_TRY(load_boot_report());
  const Fd mount = CFS_TRY_IN(mount_running_store(report, Access::read_write), "find the store");
  const Store store = CFS_TRY(Store::open_on(mount));
  Kernel kernel;
  CFS_TRY_IN(kernel.set_file_system_access(mount, Access::read_write), "make the store writable");
  const Result<> applied = put_profile(store, profile);
  const Result<> restored = kernel.set_file_system_access(mount, access_of_store(report));
  return applied ? restored : applied;
}

Json json(const std::string& path, const BootProfile& profile) {
  return Json::object()
      .text("profile", path)
      .text("image", profile.image.text())
      .number("objects", profile.objects.size());
}

Result<> run_record(const ProfileRecordOptions& options) {
  std::optional<BootProfile> earlier;
  if (!options.after.empty()) {
    earlier = CFS_TRY(read_boot_profile(options.after));
  }
  if (options.json && options.output == "-") {
    return fail(Code::usage, "--json needs -o FILE: the profile itself goes to standard output");
  }
  const BootReport report = CFS_TRY(load_boot_report());
  const Digest image = CFS_TRY_IN(Digest::parse(report.digest), report_name);
  const Fd mount = CFS_TRY_IN(mount_running_store(report, Access::read_only), "find the store");
  const Store store = CFS_TRY(Store::open_on(mount));
  const StoreContents contents = CFS_TRY(read_store(path_of(store)));
  const BootProfile profile = CFS_TRY(record_profile(contents, image, earlier ? &*earlier : nullptr));
  CFS_TRY(write_output(options.output, format_boot_profile(profile)));
  return options.json ? print_json(json(options.output, profile)) : Result<>();
}

Result<> run_apply(const ProfileApplyOptions& options) {
  const BootProfile profile = CFS_TRY(read_boot_profile(options.profile));
  if (options.store.empty()) {
    CFS_TRY(apply_to_running_system(profile));
  } else {
    CFS_TRY(put_profile(CFS_TRY(Store::open(options.store)), profile));
  }
  return options.json ? print_json(json(store_layout::profile_path(profile.image), profile)) : Result<>();
}

}  // namespace

void add_profile(CLI::App& app, Action& action) {
  auto* profile =
      app.add_subcommand("profile", "Let boots read ahead what a boot of the same image has read");
  profile->require_subcommand(1);
  auto record_options = std::make_shared<ProfileRecordOptions>();
  auto* record =
      add_command(*profile, action, "record",
                  "On a running system: write the profile of what was read of the store since it booted",
                  record_options, run_record);
  record
      ->add_option("-o,--output", record_options->output,
                   "The profile to write; -, the default, is standard output")
      ->type_name("FILE");
  record->add_flag("--json", record_options->json, "Print JSON: needs -o");
  record
      ->add_option("--after", record_options->after,
                   "A profile recorded earlier in this boot: what it names comes first")
      ->type_name("FILE");
  auto apply_options = std::make_shared<ProfileApplyOptions>();
  auto* apply = add_command(*profile, action, "apply", "Put a profile where boots of its image find it",
                            apply_options, run_apply);
  apply->add_option("--store", apply_options->store, "Store directory (default: the store of this system)")
      ->type_name("DIR");
  apply->add_flag("--json", apply_options->json, "Print JSON");
  apply->add_option("PROFILE", apply_options->profile, "The profile: a file")->required();
}

}  // namespace cfs
