// SPDX-License-Identifier: Apache-2.0
#include "cfs/initramfs/module_tree.hpp"

#include <gmock/gmock.h>

#include <array>

#include "unit/kernel_tree.hpp"

namespace cfs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Names = ModuleNames;

// The groups one after the other.
Result<Names> load_order(const Result<ModuleTree>& tree, const Names& modules, const Names& left_out = {}) {
  Names files;
  for (const Names& group : CFS_TRY(tree->load_order({&modules, 1}, left_out))) {
    files.insert(files.end(), group.begin(), group.end());
  }
  return files;
}

TEST(ModuleTree, ReleaseIsTheNameOfTheDirectory) {
  const KernelTree kernel("6.1.0-50-cloud");
  kernel.index();
  EXPECT_EQ(ModuleTree::open(kernel.directory())->release(), "6.1.0-50-cloud");
  EXPECT_EQ(ModuleTree::open(kernel.directory() + '/')->release(), "6.1.0-50-cloud");
}

TEST(ModuleTree, RefusesADirectoryThatIsNotThere) {
  const auto tree = ModuleTree::open("/nonexistent/lib/modules/6.12");
  ASSERT_FALSE(tree);
  EXPECT_EQ(tree.error().code(), Code::not_found);
  EXPECT_THAT(tree.error().what(), HasSubstr("/nonexistent/lib/modules/6.12"));
}

TEST(ModuleTree, RefusesATreeThatDepmodHasNotSeen) {
  KernelTree kernel;
  kernel.add("kernel/erofs.ko");
  const auto tree = ModuleTree::open(kernel.directory());
  ASSERT_FALSE(tree);
  EXPECT_EQ(tree.error().code(), Code::module_failed);
  EXPECT_THAT(tree.error().what(), HasSubstr("depmod"));
}

TEST(ModuleTree, PutsWhatAModuleNeedsBeforeIt) {
  KernelTree kernel;
  kernel.add("kernel/top.ko", {.uses = {"middle_symbol", "left_symbol"}});
  kernel.add("kernel/middle.ko", {.exports = {"middle_symbol"}, .uses = {"base_symbol"}});
  kernel.add("kernel/left.ko", {.exports = {"left_symbol"}, .uses = {"base_symbol"}});
  kernel.add("kernel/base.ko", {.exports = {"base_symbol"}});
  kernel.add("kernel/unrelated.ko");
  kernel.index();
  const auto files = load_order(ModuleTree::open(kernel.directory()), Names{"top"});
  ASSERT_TRUE(files) << files.error().what();
  ASSERT_EQ(files->size(), 4U);
  EXPECT_EQ(files->front(), "kernel/base.ko");
  EXPECT_EQ(files->back(), "kernel/top.ko");
}

TEST(ModuleTree, KeepsTheOrderAskedForAndNamesNothingTwice) {
  KernelTree kernel;
  kernel.add("kernel/a.ko", {.uses = {"base_symbol"}});
  kernel.add("kernel/b.ko", {.uses = {"base_symbol"}});
  kernel.add("kernel/base.ko", {.exports = {"base_symbol"}});
  kernel.index();
  const auto files = load_order(ModuleTree::open(kernel.directory()), Names{"b", "a", "b", "base"});
  ASSERT_TRUE(files) << files.error().what();
  EXPECT_THAT(*files, ElementsAre("kernel/base.ko", "kernel/b.ko", "kernel/a.ko"));
}

TEST(ModuleTree, PutsIntoOneGroupWhatNeedsNothingElseOfIt) {
  KernelTree kernel;
  kernel.add("kernel/top.ko", {.uses = {"middle_symbol", "base_symbol"}});
  kernel.add("kernel/middle.ko", {.exports = {"middle_symbol"}, .uses = {"base_symbol"}});
  kernel.add("kernel/base.ko", {.exports = {"base_symbol"}});
  kernel.add("kernel/alone.ko");
  kernel.add("kernel/helped.ko", {.info = {"softdep=pre: alone"}});
  kernel.add("kernel/first.ko");
  kernel.index();
  const auto tree = ModuleTree::open(kernel.directory());
  const auto groups = tree->load_order(std::array{Names{"top", "helped", "first"}});
  ASSERT_TRUE(groups) << groups.error().what();
  EXPECT_THAT(*groups, ElementsAre(Names{"kernel/base.ko", "kernel/alone.ko", "kernel/first.ko"},
                                   Names{"kernel/middle.ko", "kernel/helped.ko"}, Names{"kernel/top.ko"}));
  const auto rounds = tree->load_order(std::array{Names{"first", "middle"}, Names{"top", "helped"}});
  ASSERT_TRUE(rounds) << rounds.error().what();
  EXPECT_THAT(*rounds, ElementsAre(Names{"kernel/first.ko", "kernel/base.ko"}, Names{"kernel/middle.ko"},
                                   Names{"kernel/top.ko", "kernel/alone.ko"}, Names{"kernel/helped.ko"}));
}

TEST(ModuleTree, SoftDependenciesBeforeAndNotAfter) {
  KernelTree kernel;
  kernel.add("kernel/main.ko", {.info = {"softdep=pre: helper post: later"}});
  kernel.add("kernel/helper_impl.ko", {.info = {"alias=helper"}});
  kernel.add("kernel/later.ko");
  kernel.index();
  const auto files = load_order(ModuleTree::open(kernel.directory()), Names{"main"});
  ASSERT_TRUE(files) << files.error().what();
  EXPECT_THAT(*files, ElementsAre("kernel/helper_impl.ko", "kernel/main.ko"));
}

TEST(ModuleTree, LeavesSoftDependenciesOutWhenAsked) {
  KernelTree kernel;
  kernel.add("kernel/main.ko", {.info = {"softdep=pre: fast-helper other"}});
  kernel.add("kernel/fast-helper.ko", {.uses = {"base_symbol"}});
  kernel.add("kernel/base.ko", {.exports = {"base_symbol"}});
  kernel.add("kernel/other.ko");
  kernel.index();
  const auto tree = ModuleTree::open(kernel.directory());
  for (const char* name : {"fast-helper", "fast_helper"}) {
    const auto files = load_order(tree, Names{"main"}, Names{name});
    ASSERT_TRUE(files) << files.error().what();
    EXPECT_THAT(*files, ElementsAre("kernel/other.ko", "kernel/main.ko"));
  }
}

TEST(ModuleTree, RefusesToLeaveOutWhatIsNeededOrNotThere) {
  KernelTree kernel;
  kernel.add("kernel/main.ko", {.uses = {"base_symbol"}, .info = {"softdep=pre: base"}});
  kernel.add("kernel/user.ko", {.uses = {"base_symbol"}});
  kernel.add("kernel/base.ko", {.exports = {"base_symbol"}});
  kernel.index();
  const auto tree = ModuleTree::open(kernel.directory());
  for (const auto& [module, left_out, why] :
       {std::tuple("main", "base", "another needs it"), std::tuple("user", "base", "another needs it"),
        std::tuple("main", "main", "it was asked for"), std::tuple("main", "absent", "none has it"),
        std::tuple("base", "user", "none has it")}) {
    const auto files = load_order(tree, Names{module}, Names{left_out});
    ASSERT_FALSE(files) << module << ' ' << left_out;
    EXPECT_EQ(files.error().code(), Code::module_failed);
    EXPECT_THAT(files.error().what(), HasSubstr(why));
    EXPECT_THAT(files.error().what(), HasSubstr(left_out));
  }
}

TEST(ModuleTree, SoftDependenciesInACircleEnd) {
  KernelTree kernel;
  kernel.add("kernel/one.ko", {.info = {"softdep=pre: two"}});
  kernel.add("kernel/two.ko", {.info = {"softdep=pre: one"}});
  kernel.index();
  const auto files = load_order(ModuleTree::open(kernel.directory()), Names{"one"});
  ASSERT_TRUE(files) << files.error().what();
  EXPECT_THAT(*files, ElementsAre("kernel/two.ko", "kernel/one.ko"));
}

TEST(ModuleTree, ASoftDependencyThatIsNotThereDoesNotMatter) {
  KernelTree kernel;
  kernel.add("kernel/main.ko", {.info = {"softdep=pre: absent"}});
  kernel.index();
  const auto files = load_order(ModuleTree::open(kernel.directory()), Names{"main"});
  ASSERT_TRUE(files) << files.error().what();
  EXPECT_THAT(*files, ElementsAre("kernel/main.ko"));
}

TEST(ModuleTree, DashAndUnderscoreAreTheSame) {
  KernelTree kernel;
  kernel.add("kernel/sha256-ssse3.ko");
  kernel.index();
  const auto tree = ModuleTree::open(kernel.directory());
  EXPECT_THAT(*load_order(tree, Names{"sha256_ssse3"}), ElementsAre("kernel/sha256-ssse3.ko"));
  EXPECT_THAT(*load_order(tree, Names{"sha256-ssse3"}), ElementsAre("kernel/sha256-ssse3.ko"));
}

TEST(ModuleTree, WhatIsBuiltInNeedsNoFile) {
  KernelTree kernel;
  kernel.add_builtin("kernel/fs/ext4/ext4.ko");
  kernel.index();
  const auto tree = ModuleTree::open(kernel.directory());
  EXPECT_EQ(tree->has("ext4"), true);
  const auto files = load_order(tree, Names{"ext4"});
  ASSERT_TRUE(files) << files.error().what();
  EXPECT_TRUE(files->empty());
}

TEST(ModuleTree, RefusesAModuleThatTheKernelDoesNotHave) {
  KernelTree kernel;
  kernel.add("kernel/erofs.ko");
  kernel.index();
  const auto tree = ModuleTree::open(kernel.directory());
  // Loaded or built in on the machine that runs this test, perhaps; not in that tree.
  for (const char* module : {"ext4", "overlay", "loop", "", "../erofs", "erofs.ko"}) {
    EXPECT_EQ(tree->has(module), false) << module;
    const auto files = load_order(tree, Names{"erofs", module});
    ASSERT_FALSE(files) << module;
    EXPECT_EQ(files.error().code(), Code::module_failed);
    EXPECT_THAT(files.error().what(), HasSubstr("6.12.9-test"));
  }
}

TEST(ModuleTree, ReadsCompressedFiles) {
  const KernelModule module{.exports = {std::string(100'000, 'x')}};
  KernelTree kernel;
  for (const char* file : {"a.ko", "a.ko.xz", "a.ko.zst", "a.ko.gz"}) {
    kernel.add(file, module);
  }
  kernel.index();
  const auto tree = ModuleTree::open(kernel.directory());
  for (const char* file : {"a.ko", "a.ko.xz", "a.ko.zst", "a.ko.gz"}) {
    const auto bytes = tree->read(file);
    ASSERT_TRUE(bytes) << bytes.error().what();
    EXPECT_EQ(*bytes, make_module(module)) << file;
  }
}

TEST(ModuleTree, FindsCompressedFiles) {
  KernelTree kernel;
  kernel.add("kernel/erofs.ko.xz");
  kernel.index();
  EXPECT_THAT(*load_order(ModuleTree::open(kernel.directory()), Names{"erofs"}),
              ElementsAre("kernel/erofs.ko.xz"));
}

TEST(ModuleTree, RefusesADamagedFile) {
  KernelTree kernel;
  kernel.add("kernel/erofs.ko.xz", {.exports = {std::string(100'000, 'x')}});
  kernel.index();
  const std::string path = kernel.directory() + "/kernel/erofs.ko.xz";
  const auto size = std::filesystem::file_size(path);
  std::filesystem::resize_file(path, size / 2);
  const auto bytes = ModuleTree::open(kernel.directory())->read("kernel/erofs.ko.xz");
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code(), Code::module_failed);
  EXPECT_THAT(bytes.error().what(), HasSubstr("kernel/erofs.ko.xz"));
}

TEST(ModuleTree, SaysThatAFileIsMissing) {
  const KernelTree kernel;
  kernel.index();
  EXPECT_EQ(ModuleTree::open(kernel.directory())->read("kernel/erofs.ko").error().code(), Code::not_found);
}

TEST(DecompressedName, LosesOnlyTheCompression) {
  EXPECT_EQ(decompressed_name("fs/erofs.ko.xz"), "fs/erofs.ko");
  EXPECT_EQ(decompressed_name("fs/erofs.ko.zst"), "fs/erofs.ko");
  EXPECT_EQ(decompressed_name("fs/erofs.ko.gz"), "fs/erofs.ko");
  EXPECT_EQ(decompressed_name("fs/erofs.ko"), "fs/erofs.ko");
}

}  // namespace
}  // namespace cfs
