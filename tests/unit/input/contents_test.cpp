// SPDX-License-Identifier: Apache-2.0
#include "cfs/input/contents.hpp"

#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "cfs/base/file.hpp"
#include "cfs/image/fsverity.hpp"
#include "cfs/stores/store_writer.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

TEST(SetTarget, TakesWhatALinkCanHave) {
  Inode inode;
  const std::string longest(link_target_max, 'x');
  for (const std::string& target : {std::string("a"), longest}) {
    ASSERT_TRUE(set_target(inode, target));
    EXPECT_EQ(std::get<std::string>(inode.content), target);
  }
  EXPECT_EQ(set_target(inode, "").error().code(), Code::unsupported_input);
  EXPECT_EQ(set_target(inode, longest + 'x').error().what(),
            "the link's target is empty or longer than 4095 bytes");
}

class SetContents : public testing::Test {
 protected:
  // As a reader gives them: all bytes, or a file alone.
  [[nodiscard]] Inode set(const std::string& bytes, bool in_memory, StoreWriter* store) const {
    Inode inode;
    ScanOptions options;
    options.store = store;
    directory.write("file", bytes);
    const Fd file = open_file_beneath(open_directory(directory.path()).value(), "file").value();
    const auto outcome = set_contents(inode, bytes.size(), in_memory ? bytes : "", file, options);
    EXPECT_TRUE(outcome);
    return inode;
  }

  const TempDirectory directory;
};

TEST_F(SetContents, KeepsSmallOnesInTheTree) {
  const std::string most(inline_max, 'x');
  EXPECT_EQ(std::get<std::string>(set(most, true, nullptr).content), most);
  EXPECT_TRUE(std::holds_alternative<ExternalFile>(set(most + 'x', true, nullptr).content));
}

TEST_F(SetContents, PutsOthersIntoTheStore) {
  const auto store = StoreWriter::open_or_create(directory.path("store")).value();
  for (const bool in_memory : {true, false}) {
    const std::string bytes(in_memory ? 5000 : 6000, 'x');
    const auto file = std::get<ExternalFile>(set(bytes, in_memory, store.get()).content);
    EXPECT_EQ(file.size, bytes.size());
    EXPECT_EQ(file.digest, compute_verity(bytes).value());
    ASSERT_TRUE(store->commit());
    EXPECT_EQ(read_bytes(directory.path("store/objects/" + file.path())), bytes);
  }
}

}  // namespace
}  // namespace cfs
