#include "cfs/hidden_state.hpp"

#include <fcntl.h>

#include <optional>

#include "cfs/block_device.hpp"
#include "cfs/file.hpp"
#include "cfs/report.hpp"
#include "cfs/text.hpp"

namespace cfs {

namespace {

struct HiddenState {
  Fd device;
  std::string file_system;
  Fd mount;
};

// Another mount of the file system that is in use: the only way to get hold of it. Nothing where there is no
// state.
Result<std::optional<HiddenState>> find_state(Kernel& kernel) {
  constexpr std::size_t longest_path = 4096;
  const auto path = read_file(cat(report_directory, '/', state_device_name), longest_path);
  if (!path && path.error().code() == Code::not_found) {
    return std::nullopt;
  }
  if (!path) {
    return tl::unexpected(path.error());
  }
  if (path->empty()) {
    return std::nullopt;
  }
  HiddenState state;
  state.device = Fd(::open(path->c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!state.device) {
    return fail_errno(Code::io_error, cat("open ", printable(*path)));
  }
  state.file_system = probe(state.device).file_system;
  state.mount = CFS_TRY_IN(kernel.mount({.type = state.file_system,
                                         .source = *path,
                                         .superblock = Access::read_write,
                                         .mount = Access::read_write}),
                           "mount the state once more");
  return state;
}

}  // namespace

Result<> release_state(Kernel& kernel) {
  const auto state = CFS_TRY(find_state(kernel));
  if (state) {
    CFS_TRY_IN(kernel.set_file_system_access(state->mount, Access::read_only), "make the state read-only");
  }
  return {};
}

Result<> grow_state(Kernel& kernel) {
  const auto state = CFS_TRY(find_state(kernel));
  if (state && state->file_system == "ext4") {
    CFS_TRY_IN(kernel.grow_ext4(state->mount, state->device), "grow the state");
  }
  return {};
}

}  // namespace cfs
