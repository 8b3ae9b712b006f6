// SPDX-License-Identifier: Apache-2.0
#include "cfs/initramfs/module_signature.hpp"

#include <gmock/gmock.h>

#include <cstdint>

namespace cfs {
namespace {

using testing::HasSubstr;

constexpr std::string_view marker = "~Module signature appended~\n";
const std::string module_bytes =
    "\x7f"
    "ELF and what follows";

// What follows a signature of `size` bytes, as scripts/sign-file of Linux writes it.
std::string trailer(std::uint32_t size) {
  std::string bytes("\0\0\2\0\0\0\0\0", 8);
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes += static_cast<char>(size >> shift);
  }
  return bytes.append(marker);
}

std::string sign(const std::string& module, const std::string& signature) {
  return module + signature + trailer(static_cast<std::uint32_t>(signature.size()));
}

std::string stripped(std::string module) {
  const auto result = strip_module_signature(module);
  EXPECT_TRUE(result) << result.error().what();
  return module;
}

// Why it is refused; it must stay as it was.
std::string refusal(const std::string& module) {
  std::string copy = module;
  const auto result = strip_module_signature(copy);
  EXPECT_EQ(copy, module);
  if (result) {
    return "it was not refused";
  }
  EXPECT_EQ(result.error().code(), Code::module_failed);
  return result.error().what();
}

TEST(ModuleSignature, IsRemoved) {
  EXPECT_EQ(stripped(sign(module_bytes, std::string(700, '\x30'))), module_bytes);
  EXPECT_EQ(stripped(sign(module_bytes, "s")), module_bytes);
}

TEST(ModuleSignature, ItsLengthIsBigEndianAndUnsigned) {
  EXPECT_EQ(stripped(sign(module_bytes, std::string(0x2f0, 's'))), module_bytes);
  EXPECT_EQ(stripped(sign(module_bytes, std::string(0x0180ff, 's'))), module_bytes);
}

TEST(ModuleSignature, ANeverSignedModuleStaysAsItIs) {
  EXPECT_EQ(stripped(module_bytes), module_bytes);
  EXPECT_EQ(stripped(""), "");
  const std::string elsewhere = std::string(marker) + module_bytes;
  EXPECT_EQ(stripped(elsewhere), elsewhere);
  const std::string cut = sign(module_bytes, "signature").substr(0, module_bytes.size() + 40);
  EXPECT_EQ(stripped(cut), cut);  // which the kernel, too, does not take for signed
}

TEST(ModuleSignature, SeveralAreAllRemoved) {
  EXPECT_EQ(stripped(sign(sign(module_bytes, "first"), "second")), module_bytes);
}

TEST(ModuleSignature, RefusesATrailerThatIsCutOff) {
  EXPECT_THAT(refusal(std::string(marker)), HasSubstr("cut off"));
  EXPECT_THAT(refusal(trailer(1).substr(1)), HasSubstr("cut off"));
}

TEST(ModuleSignature, RefusesLengthsThatDoNotFit) {
  // As long as all that is before it, so that no module would be left; longer; the longest; none.
  for (const std::uint32_t size : {static_cast<std::uint32_t>(module_bytes.size()),
                                   static_cast<std::uint32_t>(module_bytes.size() + 1), UINT32_MAX, 0U}) {
    EXPECT_THAT(refusal(module_bytes + trailer(size)), HasSubstr("is said to have")) << size;
  }
  EXPECT_THAT(refusal(trailer(0)), HasSubstr("is said to have"));
}

TEST(ModuleSignature, RefusesOtherKinds) {
  const std::size_t first = module_bytes.size() + 1;
  for (std::size_t i = 0; i < 8; ++i) {  // algorithm, hash, kind, two lengths, padding
    std::string other = sign(module_bytes, "s");
    ++other[first + i];
    EXPECT_THAT(refusal(other), HasSubstr("PKCS #7")) << i;
  }
}

}  // namespace
}  // namespace cfs
