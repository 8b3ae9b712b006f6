// SPDX-License-Identifier: Apache-2.0
// What people read when they make an ordinary mistake: tests/golden/mistakes/table has what is typed, and the
// one line that it gets. Needs root, to become another user.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/text.hpp"
#include "vm/workshop.hpp"

namespace cfs::test {
namespace {

namespace fs = std::filesystem;

constexpr auto folder = CFS_SOURCE "/tests/golden/mistakes/";

struct Mistake {
  std::string command;
  std::string answer;  // exit status, and the line

  friend std::ostream& operator<<(std::ostream& out, const Mistake& mistake) {
    return out << mistake.command;
  }
};

// "$ COMMAND" and the answer in the next line; others are for people.
std::vector<Mistake> read_table() {
  std::vector<Mistake> table;
  const std::string text = read_bytes(std::string(folder) + "table");
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with("$ ")) {
      table.push_back({std::string(line.substr(2)), {}});
    } else if (!table.empty() && table.back().answer.empty()) {
      table.back().answer = line;
    }
  }
  return table;
}

// A directory with what the commands need: good things, and bad ones.
const fs::path& workshop() {
  static const Workshop made;
  static const bool ready = [] {
    fs::create_directory(made / "bin");
    fs::copy_file(cfs_sign_program, made / "bin/cfs-sign");  // copies: another user must get there
    fs::copy_file(initrd_program, made / "bin/composefs-root");
    fs::create_symlink("composefs-root", made / "bin/mount.composefs-root");
    fs::permissions(made.path(), fs::perms(0755));
    must({"sh", "-euc", "cd \"$1\" && PATH=$1/bin:$PATH && . \"$2\"", "sh", made.path(),
          std::string(folder) + "prepare"});
    return true;
  }();
  (void)ready;
  static const fs::path path = made.path();
  return path;
}

class Mistakes : public ::testing::TestWithParam<Mistake> {};

TEST_P(Mistakes, GetOneLineThatSaysWhatToDo) {
  const Outcome outcome =
      run({"sh", "-c", "cd \"$1\" && PATH=$1/bin:$PATH && " + GetParam().command, "sh", workshop()});
  EXPECT_EQ(std::ranges::count(outcome.errors, '\n'), 1) << outcome.errors;
  // Digests and key ids differ from run to run.
  static const std::regex digits("([0-9a-f]{2}/)?[0-9a-f]{16,}");
  std::string line = std::regex_replace(outcome.errors, digits, "HEX");
  if (line.ends_with('\n')) {
    line.pop_back();
  }
  EXPECT_EQ(std::to_string(outcome.status) + ' ' + line, GetParam().answer);
}

INSTANTIATE_TEST_SUITE_P(Golden, Mistakes, ::testing::ValuesIn(read_table()),
                         [](const auto& tested) { return std::to_string(tested.index + 1); });

TEST(MistakesTable, IsNotEmpty) {
  EXPECT_GE(read_table().size(), 40U);
}

}  // namespace
}  // namespace cfs::test
