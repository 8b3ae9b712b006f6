// SPDX-License-Identifier: Apache-2.0
#include "cases.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>
#include <utility>

#include "cfs/base/text.hpp"
#include "tree.hpp"

namespace cfs::bench {

namespace {

constexpr unsigned processors = 2;  // as many as mkcomposefs has threads by default
constexpr unsigned runs_small = 9;
constexpr const char* disk_size = "512M";  // what cfs-sign disk makes of a Debian root, about

constexpr unsigned runs_large = 5;
constexpr unsigned runs_large_store = 2;  // of minutes
constexpr unsigned large = 100'000;       // files: from here on, fewer runs
constexpr std::array tree_sizes{1'000'000U, 500'000U, 100'000U, 30'000U, 10'000U};  // the first with --full

constexpr double compose_speedup = 2;
constexpr double recompose_ratio = 1.2;
constexpr double disk_ratio = 1.5;
constexpr double memory_ratio = 0.6;
constexpr double growth_ratio = 1.25;

double median_wall(const Measured& side) {
  return range(side, &Cost::wall).median;
}

double speedup(const Comparison& comparison) {
  return median_wall(comparison.sides.back()) / median_wall(comparison.sides.front());
}

}  // namespace

Result<Cases> Cases::open(Setup setup) {
  CFS_TRY(use_processors(processors));
  Workspace workspace = CFS_TRY(Workspace::open(setup.work));
  return Cases(std::move(setup), std::move(workspace));
}

Cases::Tree Cases::debian() const {
  return {.name = "Debian root", .path = setup_.root, .runs = runs_small};
}

std::string Cases::in_work(std::string_view name) const {
  return cat(workspace_.path(run_file_system), '/', name);
}

Command Cases::compose(const Tree& tree, std::string_view store) const {
  if (store.empty()) {
    return {setup_.cfs_sign, "compose", "--digest-only", tree.path};
  }
  return {setup_.cfs_sign, "compose", "--store", in_work(store), tree.path};
}

Command Cases::mkcomposefs(const Tree& tree, std::string_view store) const {
  Command command = setup_.mkcomposefs;
  command.push_back(cat("--threads=", processors));
  if (store.empty()) {
    command.insert(command.end(), {"--print-digest-only", tree.path});
  } else {
    command.insert(command.end(), {cat("--digest-store=", in_work(store)), "--print-digest", tree.path,
                                   in_work(cat(store, ".image"))});
  }
  return command;
}

Result<std::vector<Cases::Tree>> Cases::small_file_trees() {
  const std::string name = "trees";
  const std::span<const unsigned> sizes = std::span(tree_sizes).subspan(setup_.full ? 0 : 1);
  if (!trees_) {
    trees_.emplace(CFS_TRY(workspace_.make_file_system(name)));
    CFS_TRY(make_trees(workspace_.path(name), sizes));
    CFS_TRY(trees_->flush());
  }
  std::vector<Tree> trees;
  std::string path = workspace_.path(name);
  for (const unsigned files : sizes) {
    path += cat('/', files);
    trees.insert(trees.begin(), {.name = cat(files, " small files"),
                                 .path = path,
                                 .runs = files < large ? runs_small : runs_large,
                                 .files = files});
  }
  return trees;
}

// Reads the tree, so that it is in the page cache for both sides.
Result<> Cases::warm(const Tree& tree) const {
  CFS_TRY(run(compose(tree, "")));
  return {};
}

// Once: what was measured for an earlier case is not measured again.
Result<Comparison> Cases::measure(const std::string& name, const std::vector<Contender>& contenders,
                                  unsigned runs) {
  const auto known = std::ranges::find(report_.comparisons, name, &Comparison::name);
  if (known != report_.comparisons.end()) {
    return *known;
  }
  Comparison comparison{.name = name, .sides = {}};
  comparison.sides = CFS_TRY_IN(compare(contenders, runs, workspace_), name);
  print(comparison);
  report_.comparisons.push_back(comparison);
  return comparison;
}

void Cases::add_target(std::string what, double value, Target::Kind kind, double limit) {
  report_.targets.push_back({.what = std::move(what), .value = value, .kind = kind, .limit = limit});
}

void Cases::add_speedup_target(const Comparison& comparison) {
  add_target(cat(comparison.name, ": times as fast as mkcomposefs"), speedup(comparison),
             Target::Kind::at_least, compose_speedup);
}

void Cases::add_memory_target(const Comparison& comparison) {
  const auto peak = [&](std::size_t side) { return range(comparison.sides[side], &Cost::peak).median; };
  add_target(cat(comparison.name, ": peak memory, of that of mkcomposefs"), peak(0) / peak(1),
             Target::Kind::at_most, memory_ratio);
}

Result<Comparison> Cases::measure_digest_only(const Tree& tree) {
  CFS_TRY(warm(tree));
  return measure(cat("digest only, ", tree.name),
                 {{.name = "cfs-sign", .prepare = {}, .commands = {compose(tree, "")}},
                  {.name = "mkcomposefs", .prepare = {}, .commands = {mkcomposefs(tree, "")}}},
                 tree.runs);
}

Result<Comparison> Cases::measure_empty_store(const Tree& tree) {
  CFS_TRY(warm(tree));
  return measure(cat("into an empty store, ", tree.name),
                 {{.name = "cfs-sign", .prepare = {}, .commands = {compose(tree, "store")}},
                  {.name = "mkcomposefs", .prepare = {}, .commands = {mkcomposefs(tree, "store")}}},
                 tree.files < large ? tree.runs : runs_large_store);
}

Result<> Cases::digest_only() {
  const Comparison comparison = CFS_TRY(measure_digest_only(debian()));
  add_speedup_target(comparison);
  return {};
}

Result<> Cases::empty_store() {
  const Comparison comparison = CFS_TRY(measure_empty_store(debian()));
  add_speedup_target(comparison);
  return {};
}

Result<> Cases::full_store() {
  const Comparison digest = CFS_TRY(measure_digest_only(debian()));
  const Command ours = compose(debian(), "store");
  const Command theirs = mkcomposefs(debian(), "store");
  const Comparison comparison =
      CFS_TRY(measure("again into the full store, Debian root",
                      {{.name = "cfs-sign", .prepare = {ours}, .commands = {ours}},
                       {.name = "mkcomposefs", .prepare = {theirs}, .commands = {theirs}}},
                      runs_small));
  const auto of_digest = [&](std::size_t side) {
    return median_wall(comparison.sides[side]) / median_wall(digest.sides[side]);
  };
  std::printf("  of the time for the digest only: cfs-sign %.2f, mkcomposefs %.2f\n", of_digest(0),
              of_digest(1));
  add_target(cat(comparison.name, ": time, of that for the digest only"), of_digest(0), Target::Kind::at_most,
             recompose_ratio);
  return {};
}

Result<> Cases::disk() {
  const Command store = compose(debian(), "store");
  const Comparison comparison = CFS_TRY(
      measure("disk of a store, Debian root",
              {{.name = "cfs-sign disk",
                .prepare = {store},
                .commands = {{setup_.cfs_sign, "disk", "--store", in_work("store"), "-o", in_work("disk")}}},
               {.name = "cp -r, mke2fs -d",
                .prepare = {store, {"truncate", "-s", disk_size, in_work("disk")}},
                .commands = {{"cp", "-r", in_work("store"), in_work("copy")},
                             {"mke2fs", "-q", "-F", "-t", "ext4", "-d", in_work("copy"), in_work("disk")}}}},
              runs_small));
  add_target(cat(comparison.name, ": time, of that of cp -r and mke2fs -d"), 1 / speedup(comparison),
             Target::Kind::at_most, disk_ratio);
  return {};
}

Result<> Cases::small_files() {
  const std::vector<Tree> trees = CFS_TRY(small_file_trees());
  const Tree& tree = *std::ranges::find(trees, tree_sizes[1], &Tree::files);
  const Comparison digest = CFS_TRY(measure_digest_only(tree));
  add_speedup_target(digest);
  add_memory_target(digest);
  const Comparison store = CFS_TRY(measure_empty_store(tree));
  add_speedup_target(store);
  add_memory_target(store);
  return {};
}

Result<> Cases::growth() {
  const std::vector<Tree> trees = CFS_TRY(small_file_trees());
  for (const Tree& tree : trees) {
    const Comparison comparison = CFS_TRY(measure_digest_only(tree));
    series_.resize(comparison.sides.size());
    for (std::size_t side = 0; side < series_.size(); ++side) {
      const double seconds = median_wall(comparison.sides[side]);
      series_[side].name = comparison.sides[side].name;
      series_[side].points.push_back({.files = static_cast<double>(tree.files), .seconds = seconds});
    }
  }
  const auto per_file = [](const Point& point) { return point.seconds / point.files; };
  const std::vector<Point>& ours = series_.front().points;
  add_target(cat("growth: time a file of ", trees.back().files, ", of that of ", trees.front().files),
             per_file(ours.back()) / per_file(ours.front()), Target::Kind::at_most, growth_ratio);
  return {};
}

}  // namespace cfs::bench
