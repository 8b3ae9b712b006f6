// SPDX-License-Identifier: Apache-2.0
// A directory of its own for a test, removed with everything in it when the test ends. Where the environment
// variable CFS_KEEP names a directory, it lies there, and stays when the test has failed.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>

namespace cfs {

inline bool keeps_failed_tests() {
  return std::getenv("CFS_KEEP") != nullptr;
}

class TempDirectory {
 public:
  explicit TempDirectory(const std::filesystem::path& parent = usual_parent()) {
    std::string pattern = (parent / "cfs-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      std::abort();
    }
    path_ = pattern;
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  ~TempDirectory() {
    if (keeps_failed_tests() && has_failed()) {
      (void)std::printf("CFS_KEEP: %s\n", path_.c_str());
      return;
    }
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::string path(std::string_view name = {}) const {
    return name.empty() ? path_.string() : (path_ / name).string();
  }

  // Writes a file; its directories are made when they are not there. Returns its path.
  // NOLINTNEXTLINE(modernize-use-nodiscard): most tests know the path already
  std::string write(std::string_view name, std::string_view bytes) const {
    const auto file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << bytes;
    return file.string();
  }

  void link(std::string_view name, std::string_view target) const {
    const auto file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::filesystem::create_symlink(target, file);
  }

 private:
  static std::filesystem::path usual_parent() {
    if (!keeps_failed_tests()) {
      return std::filesystem::temp_directory_path();
    }
    std::filesystem::create_directories(std::getenv("CFS_KEEP"));
    return std::filesystem::absolute(std::getenv("CFS_KEEP"));
  }

  // The test that runs, or is about to fail by an exception; outside of one, any test.
  static bool has_failed() {
    const ::testing::UnitTest& program = *::testing::UnitTest::GetInstance();
    return std::uncaught_exceptions() > 0 ||
           (program.current_test_info() != nullptr ? ::testing::Test::HasFailure() : program.Failed());
  }

  std::filesystem::path path_;
};

inline std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace cfs
