// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/running_objects.hpp"

#include <array>

#include "cfs/base/atomic_file.hpp"
#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/store/completeness.hpp"

namespace cfs {

Result<Fd> clone_running_root(Kernel& kernel) {
  Fd root = CFS_TRY(kernel.clone_mount(CFS_TRY(open_directory("/"))));
  CFS_TRY_IN(open_path_beneath(root, "."), "look at the root");
  return root;
}

Result<std::size_t> check_running_objects(const Fd& root) {
  return check_completeness(root, std::array{std::string("/")}, nullptr, AfterReading::forget);
}

Result<> record_object_check(const Result<std::size_t>& checked, const std::string& directory) {
  const std::string line = checked ? cat(*checked, " files can be read") : checked.error().line();
  return write_file(cat(directory, '/', object_check_name), line + '\n', 0444);
}

CorruptionAction recorded_corruption_action(const std::string& directory) {
  constexpr std::size_t longest = 16;
  const auto action = read_file(cat(directory, '/', corruption_action_name), longest);
  const auto known = action ? value_of(corruption_words, *action) : std::nullopt;
  return known.value_or(CorruptionAction::report);
}

}  // namespace cfs
