// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/modules.hpp"

#include <gmock/gmock.h>

#include "cfs/base/text.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Nothing here can be loaded: how modules are loaded is seen in machines.
TEST(Modules, NoListIsNothingToLoad) {
  Kernel kernel;
  EXPECT_TRUE(load_modules(kernel, "/nonexistent/modules"));
}

TEST(Modules, TheFirstThatFailsIsNamed) {
  const TempDirectory directory;
  for (const char* name : {"first.ko", "second.ko"}) {
    directory.write(name, "no module");
  }
  const auto error_of = [&](const std::string& text) {
    directory.write("list", text);
    Kernel kernel;
    return load_modules(kernel, directory.path("list")).error();
  };
  const std::string first = directory.path("first.ko");
  const std::string second = directory.path("second.ko");
  for (const std::string& list : {cat(first, '\n', second, '\n'), cat(first, "\n\n", second, '\n'), first}) {
    const Error error = error_of(list);
    EXPECT_EQ(error.code(), Code::module_failed) << list;
    EXPECT_THAT(error.what(), AllOf(HasSubstr(first), Not(HasSubstr(second)))) << list;
  }
}

}  // namespace
}  // namespace cfs
