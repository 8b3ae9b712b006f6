// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/next_root.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/boot/verified_root.hpp"
#include "cfs/doors/doors.hpp"
#include "cfs/mount/mount_table.hpp"

namespace cfs {

namespace {

constexpr std::string_view image_configuration = "usr/lib/composefs-root";

Result<Configuration> configure(Kernel& kernel) {
  const ConfigurationPlace place = CFS_TRY(open_image_configuration("/"));
  return load_configuration(kernel, place, CFS_TRY(load_policy_of(place)));
}

// Whether it is the file system that the newest report has as the root.
Result<> check_recorded(const Fd& root, const std::string& reports) {
  const auto record = read_file(cat(reports, '/', mount_record_name), mount_record_max_bytes);
  if (!record && record.error().code() != Code::not_found) {
    return tl::unexpected(record.error());
  }
  struct stat status{};
  if (::fstat(root.get(), &status) != 0) {
    return fail_errno(Code::io_error, "look at the running root");
  }
  const std::string line = mount_record(
      {{.device = cat(major(status.st_dev), ':', minor(status.st_dev)), .root = "/", .path = "/"}});
  if (!record || !record->starts_with(line)) {
    return fail(Code::root_replaced, "the running root is not the one that was verified last");
  }
  return {};
}

}  // namespace

Result<ConfigurationPlace> open_image_configuration(const std::string& root, const std::string& reports) {
  const Fd top = CFS_TRY(open_directory(root));
  auto place = open_directory_beneath(top, std::string(image_configuration));
  if (!place) {
    return fail(place.error().code() == Code::not_found ? Code::policy_missing : Code::root_replaced,
                cat("open the policy of the running image: ", place.error().what()));
  }
  struct statvfs status{};
  if (::fstatvfs(place->get(), &status) != 0) {
    return fail_errno(Code::io_error, cat("look at ", image_configuration));
  }
  if ((status.f_flag & ST_RDONLY) == 0) {
    return fail(Code::root_replaced, cat(image_configuration, " of the running root can be written to"));
  }
  CFS_TRY(check_recorded(top, reports));
  return ConfigurationPlace{.directory = *std::move(place), .name = cat('/', image_configuration)};
}

Result<std::string> make_next_root(Kernel& kernel) {
  StageClock clock;
  kernel.detach(next_root_place);  // whoever made it: what is entered is what is verified now
  kernel.detach("/etc");           // the image's own is left
  const Configuration configuration = CFS_TRY(configure(kernel));
  clock.end<Stage::policy>();
  const VerifiedRoot root = CFS_TRY(make_verified_root(
      {.kernel = kernel, .configuration = configuration, .entered_by = EnteredBy::systemd, .clock = clock}));
  CFS_TRY(publish_root(root.report));
  CFS_TRY(close_root_doors(kernel, configuration.policy, CFS_TRY(read_kernel_cmdline(kernel))));
  CFS_TRY(create_directory(next_root_place, 0700, Code::mount_failed));
  CFS_TRY(kernel.attach(root.tree, CFS_TRY(open_directory(next_root_place)), "."));
  mark_stage<Stage::attached>();
  return root.report.summary(clock.elapsed());
}

}  // namespace cfs
