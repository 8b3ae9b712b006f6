// SPDX-License-Identifier: Apache-2.0
#include "cfs/tool/source_date.hpp"

#include <cstdlib>

#include "cfs/base/text.hpp"

namespace cfs {

Result<std::optional<std::uint32_t>> source_date() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing changes the environment
  const char* const text = std::getenv("SOURCE_DATE_EPOCH");
  if (text == nullptr) {
    return std::nullopt;
  }
  const auto seconds = parse_decimal<std::uint32_t>(text);
  if (!seconds || *seconds > INT32_MAX) {
    return fail(Code::usage, cat("SOURCE_DATE_EPOCH is \"", printable(text),
                                 "\", not seconds since 1970, up to ", INT32_MAX));
  }
  return seconds;
}

}  // namespace cfs
