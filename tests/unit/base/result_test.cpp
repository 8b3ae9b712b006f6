// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/result.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <vector>

#include "unit/manual_page.hpp"

namespace cfs {
namespace {

// The compiler sees to it that each has a name.
std::vector<Code> all_codes() {
  std::vector<Code> codes;
  while (name(static_cast<Code>(codes.size())) != "unknown") {
    codes.push_back(static_cast<Code>(codes.size()));
  }
  return codes;
}

TEST(Result, EveryCodeHasItsOwnNameAndAdvice) {
  std::set<std::string_view> names;
  for (const Code code : all_codes()) {
    EXPECT_TRUE(names.insert(name(code)).second) << name(code);
    EXPECT_EQ(name(code).find_first_not_of("abcdefghijklmnopqrstuvwxyz-"), std::string_view::npos)
        << name(code);
    EXPECT_FALSE(advice(code).empty());
    EXPECT_FALSE(advice(code).ends_with('.')) << advice(code);
  }
}

TEST(Result, EveryCodeIsInTheManualPage) {
  std::multiset<std::string> codes;
  for (const Code code : all_codes()) {
    codes.emplace(name(code));
  }
  EXPECT_EQ(items(manual_page("initrd/composefs-root-codes.7"), "Li"), codes);
}

TEST(Result, LineIsCodeWhatAndAdvice) {
  EXPECT_EQ(Error(Code::usage, "no command").line(), "usage: no command: see --help");
  EXPECT_EQ(Error(Code::usage, "no command").line("read on"), "usage: no command: read on");
  EXPECT_EQ(Error(Code::digest_mismatch, "x").within("image").what(), "image: x");
}

TEST(Result, AnErrorsOwnAdviceGoesBeforeTheCodes) {
  const Error error = Error(Code::usage, "no size", "say how large").within("disk");
  EXPECT_EQ(error.line(), "usage: disk: no size: say how large");
  EXPECT_EQ(error.line("read on"), "usage: disk: no size: say how large");
  const Result<> failed = fail(Code::not_found, "x", "look elsewhere");
  EXPECT_EQ(failed.error().line(), "not-found: x: look elsewhere");
}

Result<std::unique_ptr<int>> make(int value) {
  if (value < 0) {
    return fail(Code::unsupported_input, "negative");
  }
  return std::make_unique<int>(value);
}

Result<> check(int value) {
  CFS_TRY_IN(make(value), "check");
  return {};
}

Result<int> sum(int a, int b) {
  CFS_TRY(check(b));
  const auto left = CFS_TRY_IN(make(a), "left");
  return *left + *CFS_TRY_IN(make(b), "right");
}

TEST(Result, TryGivesTheValueOrReturnsTheError) {
  EXPECT_EQ(sum(1, 2).value(), 3);
  EXPECT_EQ(sum(-1, 2).error().what(), "left: negative");
  EXPECT_EQ(sum(1, -2).error().what(), "check: negative");
  EXPECT_EQ(sum(1, -2).error().code(), Code::unsupported_input);
}

TEST(Result, ErrnoText) {
  EXPECT_EQ(errno_text(ENOENT), "No such file or directory");
  EXPECT_EQ(errno_text(-ENOENT), "No such file or directory");
  EXPECT_EQ(errno_text(99999), "error 99999");
  const Result<> result = fail_errno(Code::io_error, "open x", EACCES);
  EXPECT_EQ(result.error().what(), "open x: Permission denied");
}

}  // namespace
}  // namespace cfs
