// The cases of the benchmark: what is compared, and what the targets are.
#pragma once

#include <string>
#include <vector>

#include "cfs/result.hpp"
#include "measure.hpp"
#include "report.hpp"
#include "workspace.hpp"

namespace cfs::bench {

struct Setup {
  std::string cfs_sign;  // the program
  Command mkcomposefs;   // the words that start it
  std::string root;      // of a Debian system
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

  [[nodiscard]] const Report& report() const noexcept { return report_; }

 private:
  struct Tree {
    std::string name;
    std::string path;
    unsigned runs;
  };

  Cases(Setup setup, Workspace workspace) : setup_(std::move(setup)), workspace_(std::move(workspace)) {}

  // On the file system of the run.
  [[nodiscard]] std::string in_work(std::string_view name) const;
  [[nodiscard]] Tree debian() const;
  // Without a store: the digest only.
  [[nodiscard]] Command compose(const Tree& tree, std::string_view store) const;
  [[nodiscard]] Command mkcomposefs(const Tree& tree, std::string_view store) const;
  [[nodiscard]] Result<> warm(const Tree& tree) const;
  [[nodiscard]] Result<Comparison> measure(const std::string& name, const std::vector<Contender>& contenders,
                                           unsigned runs);
  [[nodiscard]] Result<Comparison> measure_digest_only(const Tree& tree);
  [[nodiscard]] Result<Comparison> measure_empty_store(const Tree& tree);
  void add_target(std::string what, double value, Target::Kind kind, double limit);

  Setup setup_;
  Workspace workspace_;
  Report report_;
};

}  // namespace cfs::bench
