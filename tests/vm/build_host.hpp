// SPDX-License-Identifier: Apache-2.0
// A Debian system on which initrds of this project are made, as its user would make them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "small_machine.hpp"
#include "suites.hpp"

namespace cfs::test {

// A copy of a Debian system with dracut, that kernel's modules and this project installed. Throws
// std::runtime_error.
class BuildHost {
 public:
  // Its devices trust `key` (a file NAME.pub) and have this policy.
  BuildHost(const Suites& suites, const std::filesystem::path& key, std::string_view policy);

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  [[nodiscard]] std::filesystem::path policy() const { return root_ / "etc/composefs-root/policy.toml"; }
  [[nodiscard]] const KernelFiles& kernel() const { return kernel_; }

  // Adds a unit to the initrds, required by `target`.
  void add_unit(const std::string& name, std::string_view text, const std::string& target) const;

  // Runs dracut for any machine, with these modules of dracut's, what those need, and nothing else.
  [[nodiscard]] Outcome dracut(const std::string& modules = "composefs-root",
                               const std::vector<std::string>& options = {}) const;

  // What dracut made, if anything.
  [[nodiscard]] std::filesystem::path initrd() const { return root_ / "initrd.img"; }

 private:
  KernelFiles kernel_;
  Workshop workshop_;
  std::filesystem::path root_ = workshop_ / "root";
};

// The initrd that dracut() makes. Throws std::runtime_error with what dracut said.
[[nodiscard]] std::filesystem::path made_initrd(const BuildHost& host,
                                                const std::string& modules = "composefs-root",
                                                const std::vector<std::string>& options = {});

// A machine that came up to multi-user.target without a failed unit, on this image. (The root's
// demo-report.service and its boot.json say so.)
inline auto came_up(const std::string& digest) {
  return ::testing::AllOf(
      Says("composefs-root-demo: state: running\n"), Says("composefs-root-demo: failed: \n"),
      Says("composefs-root-demo: root: overlay ro,"), Says("verity=require"),
      Says("composefs-root-demo: boot.json: {\"format\": 1, "), Says(digest), Says("\"refused\": []"));
}

}  // namespace cfs::test
