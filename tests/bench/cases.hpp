// SPDX-License-Identifier: Apache-2.0
// The cases of the benchmark: what is compared, and what the targets are.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cfs/base/result.hpp"
#include "measure.hpp"
#include "plot.hpp"
#include "report.hpp"
#include "workspace.hpp"

namespace cfs::bench {

struct Setup {
  std::string cfs_sign;  // the program
  Command mkcomposefs;   // the words that start it
  std::string root;      // of a Debian system
  bool full = false;     // growth up to a million files
  std::string work;      // an empty directory, where what the programs write is mounted
};

class Cases {
 public:
  [[nodiscard]] static Result<Cases> open(Setup setup);

  // Each adds to the report, and prints what it found.
  [[nodiscard]] Result<> digest_only();
  [[nodiscard]] Result<> empty_store();
  [[nodiscard]] Result<> full_store();
  [[nodiscard]] Result<> disk();
  [[nodiscard]] Result<> small_files();
  [[nodiscard]] Result<> growth();

  [[nodiscard]] const Report& report() const noexcept { return report_; }

  // Files against seconds, after growth().
  [[nodiscard]] const std::vector<Series>& growth_series() const noexcept { return series_; }

 private:
  struct Tree {
    std::string name;
    std::string path;
    unsigned runs;
    unsigned files = 0;  // of the trees of small files
  };

  Cases(Setup setup, Workspace workspace) : setup_(std::move(setup)), workspace_(std::move(workspace)) {}

  // On the file system of the run.
  [[nodiscard]] std::string in_work(std::string_view name) const;
  [[nodiscard]] Tree debian() const;
  // Makes them if they are not there yet. From the smallest to the largest.
  [[nodiscard]] Result<std::vector<Tree>> small_file_trees();
  // Without a store: the digest only.
  [[nodiscard]] Command compose(const Tree& tree, std::string_view store) const;
  [[nodiscard]] Command mkcomposefs(const Tree& tree, std::string_view store) const;
  [[nodiscard]] Result<> warm(const Tree& tree) const;
  [[nodiscard]] Result<Comparison> measure(const std::string& name, const std::vector<Contender>& contenders,
                                           unsigned runs);
  [[nodiscard]] Result<Comparison> measure_digest_only(const Tree& tree);
  [[nodiscard]] Result<Comparison> measure_empty_store(const Tree& tree);
  void add_speedup_target(const Comparison& comparison);
  void add_memory_target(const Comparison& comparison);
  void add_target(std::string what, double value, Target::Kind kind, double limit);

  Setup setup_;
  Workspace workspace_;
  std::optional<FreshFileSystem> trees_;  // of small files
  Report report_;
  std::vector<Series> series_;
};

}  // namespace cfs::bench
