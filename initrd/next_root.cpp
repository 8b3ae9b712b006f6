#include "cfs/next_root.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "cfs/configuration.hpp"
#include "cfs/doors.hpp"
#include "cfs/file.hpp"
#include "cfs/text.hpp"
#include "cfs/verified_root.hpp"

namespace cfs {

namespace {

constexpr auto image_configuration = "usr/lib/composefs-root";

Result<Configuration> configure(Kernel& kernel) {
  const Fd place = CFS_TRY(open_image_configuration("/"));
  const std::string directory = cat("/proc/self/fd/", place.get());
  return load_configuration(kernel, directory, CFS_TRY(load_policy_of(directory)));
}

}  // namespace

Result<Fd> open_image_configuration(const std::string& root) {
  const Fd top = CFS_TRY(open_directory(root));
  auto place = open_directory_beneath(top, image_configuration);
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
  return place;
}

Result<> make_next_root(Kernel& kernel, Report& report) {
  kernel.detach(next_root_place);  // whoever made it: what is entered is what is verified now
  kernel.detach("/etc");           // the image's own is left
  const Configuration configuration = CFS_TRY(configure(kernel));
  report.end_stage<Stage::policy>();
  const VerifiedRoot root =
      CFS_TRY(make_verified_root(kernel, configuration, EnteredBy::systemd, report, [] {}));
  CFS_TRY(publish_root(report));
  CFS_TRY(close_doors_again(kernel, configuration.policy, CFS_TRY(read_kernel_cmdline(kernel))));
  if (::mkdir(next_root_place, 0700) != 0 && errno != EEXIST) {
    return fail_errno(Code::mount_failed, cat("create ", next_root_place));
  }
  CFS_TRY(kernel.attach(root.tree, CFS_TRY(open_directory(next_root_place)), "."));
  mark_stage<Stage::attached>();
  return {};
}

}  // namespace cfs
