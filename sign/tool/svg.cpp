// SPDX-License-Identifier: Apache-2.0
#include "cfs/tool/svg.hpp"

#include <cmath>
#include <cstdarg>
#include <cstdio>

namespace cfs {

// NOLINTNEXTLINE(cert-dcl50-cpp): the compiler compares the arguments with the format
std::string format(const char* text, ...) {
  va_list arguments;
  va_start(arguments, text);
  va_list again;
  va_copy(again, arguments);
  const int length = std::vsnprintf(nullptr, 0, text, arguments);
  std::string out(length > 0 ? static_cast<std::size_t>(length) : 0, '\0');
  static_cast<void>(std::vsnprintf(out.data(), out.size() + 1, text, again));
  va_end(again);
  va_end(arguments);
  return out;
}

double grid_step(double span, double steps) {
  const double rough = span / steps;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1, 2, 5}) {
    if (factor * power >= rough) {
      return factor * power;
    }
  }
  return 10 * power;
}

}  // namespace cfs
